"""Routes of incidents: alerts of one cause, their course, and the report on one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from app.api.authentication import Caller
from app.api.authorization import operators_only
from app.api.dependencies import ApiParts, Parts
from app.api.fields import Line
from app.api.json_bodies import described, json_body
from app.api.problems import NotFound, responses
from pipeline.store import incidents
from pipeline.store.incidents import Incident
from stages.alerts.incidents import acknowledge_incident, close_incident, report, times, told

router = APIRouter(tags=["alerts"])
_MOST = 200


class IncidentOut(BaseModel):
    """Alerts of one cause. It names ids only."""

    id: UUID
    cause: str
    title: str
    severity: str = Field(description="The gravest of its alerts.")
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None
    closed_by: str | None = Field(description="`itself`, or the person who closed it.")
    closed_why: str
    alerts: int
    open_alerts: int
    acknowledged_after_seconds: float | None
    ended_after_seconds: float | None


class IncidentsOut(BaseModel):
    """Incidents, those that go on first."""

    items: list[IncidentOut]


class EventOut(BaseModel):
    """Something that happened in its course."""

    at: datetime
    who: str = Field(description="`machine`, or the person.")
    what: str
    said: str


class CourseOut(IncidentOut):
    """An incident with its course."""

    timeline: list[EventOut]


class CauseBody(BaseModel):
    """What the cause of an incident was."""

    model_config = ConfigDict(extra="forbid")

    cause: Annotated[Line, Field(min_length=1, max_length=400)]


class AcknowledgmentBody(BaseModel):
    """Why somebody looks after an incident, or what they do."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[Line, Field(max_length=400)] = ""


Operator = Annotated[Caller, Depends(operators_only("Incidents are for operators."))]


@router.get("/incidents", responses=responses(401, 403, 422, 429, 503))
async def get_incidents(
    parts: Parts,
    caller: Operator,
    closed: Annotated[bool, Query(description="With closed ones.")] = False,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
) -> IncidentsOut:
    """Show incidents: alerts of one cause. Operators only."""
    async with parts.database.service() as connection:
        found = await incidents.listed(connection, closed=closed, most=limit)
    return IncidentsOut(items=[_out(each) for each in found])


@router.get("/incidents/{incident_id}", responses=responses(401, 403, 404, 422, 429, 503))
async def get_incident(parts: Parts, caller: Operator, incident_id: UUID) -> CourseOut:
    """Show an incident with its course. Operators only."""
    found = await _there(parts, incident_id)
    _, events = await told(parts.database, found)
    shown = [EventOut(at=e.at, who=e.who, what=e.what, said=e.said) for e in events]
    return CourseOut(**_out(found).model_dump(), timeline=shown)


@router.get(
    "/incidents/{incident_id}/report",
    response_class=PlainTextResponse,
    responses=responses(401, 403, 404, 422, 429, 503),
)
async def get_report(parts: Parts, caller: Operator, incident_id: UUID) -> PlainTextResponse:
    """Draft the report on an incident from its record, in Markdown. Operators only."""
    found = await _there(parts, incident_id)
    page = report(found, *await told(parts.database, found))
    return PlainTextResponse(page, media_type="text/markdown; charset=utf-8")


@router.post(
    "/incidents/{incident_id}/acknowledge",
    responses=responses(400, 401, 403, 404, 413, 415, 422, 429, 503),
    openapi_extra=described(AcknowledgmentBody),
)
async def acknowledge_one(
    parts: Parts,
    caller: Operator,
    incident_id: UUID,
    body: Annotated[AcknowledgmentBody, json_body(AcknowledgmentBody)],
) -> IncidentOut:
    """Say that somebody looks after it, and so after each of its alerts. Operators only."""
    found = await _there(parts, incident_id)
    await acknowledge_incident(parts.database, found, caller.name or "operator", body.why)
    return _out(await _there(parts, incident_id))


@router.post(
    "/incidents/{incident_id}/close",
    responses=responses(400, 401, 403, 404, 413, 415, 422, 429, 503),
    openapi_extra=described(CauseBody),
)
async def close_one(
    parts: Parts,
    caller: Operator,
    incident_id: UUID,
    body: Annotated[CauseBody, json_body(CauseBody)],
) -> IncidentOut:
    """Close an incident with its cause, and its alerts with it. Operators only."""
    found = await _there(parts, incident_id)
    await close_incident(parts.database, found, caller.name or "operator", body.cause)
    return _out(await _there(parts, incident_id))


async def _there(parts: ApiParts, incident_id: UUID) -> Incident:
    async with parts.database.service() as connection:
        found = await incidents.named(connection, str(incident_id))
    if not found:
        raise NotFound("There is no such incident.")
    return found[0]


def _out(each: Incident) -> IncidentOut:
    return IncidentOut(
        id=each.id, cause=each.cause, title=each.title, severity=each.severity,
        opened_at=each.opened_at, acknowledged_at=each.acknowledged_at,
        acknowledged_by=each.acknowledged_by, closed_at=each.closed_at, closed_by=each.closed_by,
        closed_why=each.closed_why, alerts=each.alerts, open_alerts=each.open_alerts,
        **times(each),
    )  # fmt: skip
