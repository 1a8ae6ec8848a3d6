"""Routes of alerts: what is open, who looks after it, and what Prefect's automations raise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from app.api.authentication import Caller
from app.api.authorization import operators_only
from app.api.dependencies import Parts
from app.api.fields import Line
from app.api.json_bodies import described, json_body, parse, require_json
from app.api.problems import Forbidden, NotFound, responses
from app.api.secrets import alert_key, same
from pipeline.alert_kinds import KINDS, runbook_of, title_of
from pipeline.alerts import Alert, Severity
from pipeline.store import alert_deliveries
from pipeline.store import alerts as kept
from pipeline.store.alert_deliveries import KeptDelivery
from pipeline.store.alerts import KeptAlert
from pipeline.store.engine import Database
from stages.alerts.raising import acknowledge_alerts, close_alert, raise_alert

router = APIRouter(tags=["alerts"])

Operator = Annotated[Caller, Depends(operators_only("Alerts are for operators."))]
_MOST = 200
_MOST_BYTES = 16_384


class DeliveryOut(BaseModel):
    """One message of an alert."""

    target: str
    step: int = Field(description="Of the route, from 0; the others are escalations.")
    outcome: Literal["waiting", "sent", "failed", "cancelled"]
    attempt: int
    due_at: datetime
    sent_at: datetime | None
    detail: str = Field(description="Why it was not sent.")


class AlertOut(BaseModel):
    """One thing about the installation that somebody is to know of. It names ids only."""

    id: UUID
    kind: str
    key: str
    severity: Severity
    heading: str = Field(description="Of the kind.")
    title: str
    evidence: dict[str, Any]
    cause: str = Field(description="The likely cause; empty when it is not known.")
    runbook: str = Field(description="Where it is written what to do.")
    opened_at: datetime
    seen_at: datetime
    count: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_why: str | None
    closed_at: datetime | None
    closed_why: str | None
    deliveries: list[DeliveryOut]


class AlertsOut(BaseModel):
    """Alerts, the gravest first; with closed ones, the newest first."""

    items: list[AlertOut]


class ReasonBody(BaseModel):
    """Why somebody acknowledges or closes an alert."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[Line, Field(max_length=400)] = ""


class RaisedBody(BaseModel):
    """What an automation of Prefect's saw; `passed` closes the alert instead."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    key: Annotated[Line, Field(min_length=1, max_length=200)]
    severity: Severity | None = None
    title: Annotated[Line, Field(max_length=400)] = ""
    evidence: dict[str, Line | int | float] = Field(default_factory=dict, max_length=20)
    passed: bool = False


@router.get("/alerts", responses=responses(401, 403, 422, 429, 503))
async def get_alerts(
    parts: Parts,
    caller: Operator,
    closed: Annotated[bool, Query(description="With closed ones.")] = False,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
) -> AlertsOut:
    """Show alerts with who looks after each and what was sent. Operators only."""
    async with parts.database.service() as connection:
        read = kept.all_alerts if closed else kept.open_alerts
        found = await read(connection, limit)
    return AlertsOut(items=await _out(parts.database, found))


@router.post(
    "/alerts/{alert_id}/acknowledge",
    responses=responses(400, 401, 403, 404, 413, 415, 422, 429, 503),
    openapi_extra=described(ReasonBody),
)
async def acknowledge_alert(
    parts: Parts,
    caller: Operator,
    alert_id: UUID,
    body: Annotated[ReasonBody, json_body(ReasonBody)],
) -> AlertOut:
    """Say that somebody looks after it: nobody else is told. What happened once is closed by it."""
    await acknowledge_alerts(parts.database, [alert_id], caller.name or "operator", body.why)
    return await _one(parts.database, alert_id)


@router.post(
    "/alerts/{alert_id}/close",
    responses=responses(400, 401, 403, 404, 413, 415, 422, 429, 503),
    openapi_extra=described(ReasonBody),
)
async def close_one_alert(
    parts: Parts,
    caller: Operator,
    alert_id: UUID,
    body: Annotated[ReasonBody, json_body(ReasonBody)],
) -> AlertOut:
    """Close it; the same again opens another one. Operators only."""
    why = body.why or f"Closed by {caller.name or 'operator'}."
    async with parts.database.service() as connection:
        await kept.close_these(connection, [alert_id], why)
    return await _one(parts.database, alert_id)


@router.post(
    "/alerts/raised",
    status_code=204,
    include_in_schema=False,  # for Prefect's server alone
)
async def raise_from_prefect(
    parts: Parts,
    request: Request,
    x_navigator_alerts: Annotated[str, Header(max_length=200)] = "",
) -> None:
    """Raise or close an alert. For the webhook of Prefect's automations, by its own key."""
    if not same(x_navigator_alerts, alert_key(parts.settings)):
        raise Forbidden("The key of the alerts' webhook is wrong.", remedy="Deploy again.")
    require_json(request.headers.get("content-type", ""))
    body = parse(await request.body(), RaisedBody)
    if body.passed:
        await close_alert(parts, body.kind, body.key, "It passed.")
    elif (known := KINDS.get(body.kind)) is None:
        raise NotFound(f"There is no kind of alert {body.kind[:60]!r}.")
    else:
        severity = body.severity or known.severity
        title = body.title or known.title
        await raise_alert(parts, Alert(body.kind, body.key, severity, title, body.evidence))


async def _one(database: Database, alert_id: UUID) -> AlertOut:
    async with database.service() as connection:
        found = await kept.named(connection, str(alert_id))
    if not found:
        raise NotFound("There is no such alert.")
    return (await _out(database, found))[0]


async def _out(database: Database, found: Sequence[KeptAlert]) -> list[AlertOut]:
    async with database.service() as connection:
        sent = await alert_deliveries.of_alerts(connection, [each.id for each in found])
    return [_alert(each, [one for one in sent if one.alert_id == each.id]) for each in found]


def _alert(each: KeptAlert, sent: Sequence[KeptDelivery]) -> AlertOut:
    return AlertOut(
        id=each.id, kind=each.kind, key=each.key, severity=Severity(each.severity),
        heading=title_of(each.kind), title=each.title, evidence=dict(each.evidence),
        cause=each.cause, runbook=runbook_of(each.kind), opened_at=each.opened_at,
        seen_at=each.seen_at, count=each.count, acknowledged_at=each.acknowledged_at,
        acknowledged_by=each.acknowledged_by, acknowledged_why=each.acknowledged_why,
        closed_at=each.closed_at, closed_why=each.closed_why,
        deliveries=[
            DeliveryOut(
                target=one.target, step=one.step, outcome=one.outcome,
                attempt=one.attempt, due_at=one.due_at, sent_at=one.sent_at, detail=one.detail,
            )
            for one in sent
        ],
    )  # fmt: skip
