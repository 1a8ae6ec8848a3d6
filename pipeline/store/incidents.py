"""Keeps incidents: one open incident of a cause, ended when all its alerts are, or by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.incident_causes import Cause, area_of
from pipeline.store.engine import records

ITSELF = "itself"
"""Who ended an incident that no person touched."""
QUIET_MINUTES = 15
"""So long all alerts of an incident are closed before it is: what comes and goes is one."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as it is kept.

    Attributes:
        cause: as `pipeline.incident_causes` names it.
        severity: the gravest of its alerts. alerts: how many it has; open_alerts: of these, open.
        acknowledged_at: when the first person looked after one of them, by whom.
        closed_by: `itself`, or the person who closed it.
    """

    id: UUID
    cause: str
    title: str
    severity: str
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    closed_why: str
    alerts: int
    open_alerts: int


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something that happened in the course of an incident.

    Attributes:
        who: `machine`, or the person.
        what: a word for its kind, as `alert` or `release`. said: one sentence.
    """

    at: datetime
    who: str
    what: str
    said: str


_SELECT = """
    SELECT i.id, i.cause, i.title,
           (array_agg(a.severity ORDER BY array_position(ARRAY['critical', 'warning', 'info'],
                                                         a.severity)))[1] AS severity,
           i.opened_at, min(a.acknowledged_at) AS acknowledged_at,
           (array_agg(a.acknowledged_by ORDER BY a.acknowledged_at)
               FILTER (WHERE a.acknowledged_at IS NOT NULL))[1] AS acknowledged_by,
           i.closed_at, i.closed_by, i.closed_why, count(*) AS alerts,
           count(*) FILTER (WHERE a.closed_at IS NULL) AS open_alerts
    FROM incidents AS i JOIN alerts AS a ON a.incident_id = i.id
"""
_ALL = sa.text(
    f"""{_SELECT}
    WHERE :closed OR i.closed_at IS NULL
    GROUP BY i.id ORDER BY i.closed_at IS NOT NULL, i.opened_at DESC, i.id LIMIT :most
    """
)
_NAMED = sa.text(f"{_SELECT} WHERE starts_with(i.id::text, :prefix) GROUP BY i.id LIMIT 2")
_OPEN = sa.text("SELECT id, cause FROM incidents WHERE closed_at IS NULL ORDER BY opened_at, id")
_BEGIN = sa.text(
    """
    INSERT INTO incidents (cause, title) VALUES (:cause, :title)
    ON CONFLICT (cause) WHERE closed_at IS NULL DO UPDATE SET title = excluded.title
    RETURNING id
    """
)
_JOIN = sa.text("UPDATE alerts SET incident_id = :incident WHERE id = :alert")
_SETTLE = sa.text(
    """
    WITH ended AS (
        SELECT i.id FROM incidents AS i
        WHERE i.closed_at IS NULL AND NOT EXISTS (
            SELECT FROM alerts AS a WHERE a.incident_id = i.id
              AND (a.closed_at IS NULL
                   OR a.closed_at > now() - make_interval(mins => :quiet)))
        ORDER BY i.id FOR NO KEY UPDATE OF i SKIP LOCKED
    ), told AS (
        SELECT a.incident_id, max(a.closed_at) AS at, max(a.acknowledged_by) AS person,
               (array_agg(a.closed_why ORDER BY a.closed_at DESC))[1] AS why
        FROM alerts AS a JOIN ended AS e ON e.id = a.incident_id GROUP BY a.incident_id
    )
    UPDATE incidents AS i SET closed_at = t.at, closed_by = coalesce(t.person, :itself),
        closed_why = coalesce(t.why, '')
    FROM told AS t WHERE t.incident_id = i.id
    RETURNING i.id
    """
)
_CLOSE = sa.text(
    """
    UPDATE incidents SET closed_at = coalesce(closed_at, now()), closed_by = :who,
        closed_why = :why
    WHERE id = :id
    """
)
_OPEN_ALERTS = sa.text("SELECT id FROM alerts WHERE incident_id = :id AND closed_at IS NULL")
_TIMELINE = sa.text(
    """
    WITH i AS (
        SELECT id, split_part(cause, ':', 1) AS area, opened_at,
               coalesce(closed_at, now()) AS ended_at
        FROM incidents WHERE id = :id
    ), of_it AS (SELECT a.* FROM alerts AS a JOIN i ON a.incident_id = i.id)
    SELECT opened_at AS at, 'machine' AS who, 'alert' AS what, severity || ': ' || title AS said
    FROM of_it
    UNION ALL SELECT d.sent_at, 'machine', 'message', 'told ' || d.target ||
        CASE WHEN d.step > 0 THEN ' (escalation ' || d.step || ')' ELSE '' END
    FROM alert_deliveries AS d JOIN of_it ON of_it.id = d.alert_id WHERE d.sent_at IS NOT NULL
    UNION ALL SELECT acknowledged_at, acknowledged_by, 'acknowledged',
        trim('looks after it ' || coalesce(acknowledged_why, ''))
    FROM of_it WHERE acknowledged_at IS NOT NULL
    UNION ALL SELECT closed_at, coalesce(acknowledged_by, 'machine'), 'passed',
        kind || ' ' || key || ': ' || coalesce(closed_why, '')
    FROM of_it WHERE closed_at IS NOT NULL
    UNION ALL SELECT m.at, 'machine', 'answer',
        'answered by machine: ' || m.answer || ': ' || m.said ||
        CASE WHEN m.count > 1 THEN ' (' || m.count || ' times)' ELSE '' END
    FROM machine_answers AS m, i
    WHERE split_part(m.cause, ':', 1) = i.area
      AND m.seen_at >= i.opened_at - interval '10 minutes' AND m.at <= i.ended_at
    UNION ALL SELECT r.ended_at, 'machine', 'answer',
        'answered by machine: roll back: ' || r.release_id || ' was taken back: ' || r.reason
    FROM rollouts AS r, i
    WHERE r.step = 'rolled_back'
      AND r.ended_at BETWEEN i.opened_at - interval '6 hours' AND i.ended_at
    UNION ALL SELECT r.updated_at, r.who, 'release',
        r.release_id || ' ' || replace(r.step, '_', ' ') ||
        CASE WHEN r.reason <> '' THEN ': ' || r.reason ELSE '' END
    FROM rollouts AS r, i
    WHERE r.updated_at BETWEEN i.opened_at - interval '6 hours' AND i.ended_at
    UNION ALL SELECT m.finished_at, 'machine', 'maintenance', 'mended ' ||
        (SELECT sum((t->>'mended')::int) FROM jsonb_array_elements(m.tallies) AS t) || ' findings'
    FROM maintenance_runs AS m, i
    WHERE m.fix AND m.finished_at BETWEEN i.opened_at AND i.ended_at
      AND (SELECT sum((t->>'mended')::int) FROM jsonb_array_elements(m.tallies) AS t) > 0
    UNION ALL SELECT p.started_at, 'machine', 'process', p.kind || ' started'
    FROM processes AS p, i WHERE p.started_at BETWEEN i.opened_at AND i.ended_at
    ORDER BY at, what
    """
)


async def join(connection: AsyncConnection, alert: UUID, cause: Cause) -> UUID:
    """Have a new alert belong to the open incident of its cause, or open one.

    An alert that may be the consequence of another cause joins that cause's open incident.

    Returns:
        The incident's id.
    """
    open_ones = (await connection.execute(_OPEN)).all()
    by_area = {area_of(name): incident for incident, name in reversed(open_ones)}
    found: UUID | None = next((by_area[area] for area in cause.areas if area in by_area), None)
    if found is None:
        found = await connection.scalar(_BEGIN, {"cause": cause.name, "title": cause.title})
    assert found is not None, "an insert gives its row"
    await connection.execute(_JOIN, {"incident": found, "alert": alert})
    return found


async def settle(connection: AsyncConnection, quiet_minutes: int = QUIET_MINUTES) -> list[UUID]:
    """Close incidents all of whose alerts have been closed for a while; their ids."""
    values = {"quiet": quiet_minutes, "itself": ITSELF}
    return list((await connection.execute(_SETTLE, values)).scalars())


async def close(connection: AsyncConnection, incident: UUID, who: str, why: str) -> list[UUID]:
    """Close an incident, or say afterwards what its cause was; its alerts that are still open."""
    await connection.execute(_CLOSE, {"id": incident, "who": who, "why": why})
    return list((await connection.execute(_OPEN_ALERTS, {"id": incident})).scalars())


async def listed(
    connection: AsyncConnection, *, closed: bool = False, most: int = 100
) -> list[Incident]:
    """Open incidents, and closed ones when asked; open and new ones first."""
    return await records(connection, Incident, _ALL, {"closed": closed, "most": most})


async def named(connection: AsyncConnection, prefix: str) -> Sequence[Incident]:
    """The incidents whose ids begin so, two at most."""
    return await records(connection, Incident, _NAMED, {"prefix": prefix.lower()})


async def timeline(connection: AsyncConnection, incident: UUID) -> list[TimelineEvent]:
    """What happened in its course, and which releases changed in the six hours before."""
    return await records(connection, TimelineEvent, _TIMELINE, {"id": incident})
