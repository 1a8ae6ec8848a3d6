"""Route of foresight: what is unusual and what is to be expected, for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from app.api.authorization import operators_only
from app.api.dependencies import Parts
from app.api.problems import responses
from pipeline.alerts import Severity
from stages.watching.looking import judge
from stages.watching.presenting import outlook_json

router = APIRouter(tags=["forecast"])


class AlertOut(BaseModel):
    """Something that a person is to know of. It names no document and no person."""

    kind: str = Field(description="Its entry in the runbook has this name.")
    key: str = Field(description="What it is about: a service, a stage, a tenant's id.")
    severity: Severity
    title: str
    cause: str = Field(description="The likely one; empty when no rule fits.")
    evidence: dict[str, Any] = Field(description="Figures, each with its unit or in one named.")
    runbook: str


class ForecastOut(BaseModel):
    """When something is at its limit, at this rate."""

    kind: str = Field(description="disk, tokens or backlog.")
    subject: str
    unit: str
    now: float = Field(description="Left of a disk; used of tokens; waiting of a backlog.")
    limit: float
    a_day: float = Field(description="Its change in a day.")
    reached_at: datetime | None = Field(description="Null: not within 120 days, or not known.")
    days_of_history: float
    too_little_history: bool
    sentence: str


class MonthOut(BaseModel):
    """What the calendar month (UTC) costs, in US dollars."""

    spent_usd: float
    by_its_end_usd: float | None = Field(description="Null with less than a week of history.")
    budget_usd: float | None = Field(description="NAVIGATOR_MONTH_BUDGET_USD.")


class FigureOut(BaseModel):
    """One figure of one subject: medians of hourly values, shares of all that were counted."""

    measure: str
    subject: str
    now: float | None = Field(description="Read off at this moment; null where it is not.")
    last_hour: float | None
    last_day: float | None
    last_week: float | None
    days_of_history: float
    judged: bool = Field(description="Whether what is unusual in it is told.")


class OutlookOut(BaseModel):
    """What is unusual and what is to be expected, by the last six weeks."""

    at: datetime
    summary: str
    alerts: list[AlertOut]
    forecasts: list[ForecastOut]
    month: MonthOut
    figures: list[FigureOut]
    too_little_history: list[str] = Field(description="Series that cannot be judged yet.")


@router.get(
    "/forecast",
    responses=responses(401, 403, 429, 503),
    dependencies=[Depends(operators_only("What is foreseen is for operators."))],
)
async def get_forecast(parts: Parts) -> OutlookOut:
    """Say what is unusual, and when disk, token budget and month's budget run out. Operators only.

    Nothing is read off or kept for it: the deployment `watch` does that.
    """
    return OutlookOut.model_validate(outlook_json(await judge(parts.services)))
