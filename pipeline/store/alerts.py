"""Keeps alerts: one open alert of a kind and key, acknowledged by a person, closed at its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.alert_kinds import happens_once
from pipeline.alerts import Alert
from pipeline.store.engine import records

EXPIRE_DAYS = 7
"""What happened once and nobody acknowledged is closed after so many days."""


RESOLVABLE, TO_RESOLVE = "open there", "to be resolved"
"""Details of messages that a channel keeps open until it is told that they are over."""


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    """What became of an alert in the ledger.

    Attributes:
        round: How often it was told anew, from 1.
        is_told: It is to be told now: it is new, was last told long ago, or became critical.
        at: By the database's clock.
    """

    id: UUID
    round: int
    is_new: bool
    is_told: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert as it is kept."""

    id: UUID
    kind: str
    key: str
    severity: str
    title: str
    evidence: Mapping[str, Any]
    cause: str
    opened_at: datetime
    seen_at: datetime
    count: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_why: str | None
    closed_at: datetime | None
    closed_why: str | None


_COLUMNS = """id, kind, key, severity, title, evidence, cause, opened_at, seen_at, count,
    acknowledged_at, acknowledged_by, acknowledged_why, closed_at, closed_why"""
_TELL_AGAIN = """
    a.acknowledged_at IS NULL AND (
        a.told_at < now() - make_interval(secs => :renew_seconds)
        OR (excluded.severity = 'critical' AND a.severity <> 'critical'))
"""
_RAISE = sa.text(
    f"""
    INSERT INTO alerts AS a (kind, key, severity, title, evidence, cause)
    VALUES (:kind, :key, :severity, :title, CAST(:evidence AS jsonb), :cause)
    ON CONFLICT (kind, key) WHERE closed_at IS NULL DO UPDATE SET
        count = a.count + CASE WHEN :once THEN 0 ELSE 1 END, seen_at = now(),
        severity = excluded.severity, cause = excluded.cause,
        title = CASE WHEN :once THEN a.title ELSE excluded.title END,
        evidence = CASE WHEN :once THEN excluded.evidence || a.evidence ELSE excluded.evidence END,
        told_at = CASE WHEN {_TELL_AGAIN} THEN now() ELSE a.told_at END,
        round = a.round + CASE WHEN {_TELL_AGAIN} THEN 1 ELSE 0 END
    RETURNING id, round, opened_at = now() AS is_new, told_at = now() AS is_told, now() AS at
    """
)
_CLOSE = sa.text(
    """
    UPDATE alerts SET closed_at = now(), closed_why = :why
    WHERE kind = :kind AND key = :key AND closed_at IS NULL
    RETURNING id
    """
)
_LOCKED = """
    WITH chosen AS (
        SELECT id FROM alerts WHERE id = ANY(CAST(:ids AS uuid[])) AND closed_at IS NULL
        ORDER BY id FOR NO KEY UPDATE
    )
"""
_CLOSE_THESE = sa.text(
    f"""{_LOCKED}
    UPDATE alerts AS a SET closed_at = now(), closed_why = :why
    FROM chosen WHERE a.id = chosen.id
    RETURNING a.id
    """
)
_ACKNOWLEDGE = sa.text(
    f"""{_LOCKED}
    UPDATE alerts AS a SET acknowledged_at = coalesce(a.acknowledged_at, now()),
        acknowledged_by = coalesce(a.acknowledged_by, :who),
        acknowledged_why = coalesce(a.acknowledged_why, :why),
        closed_at = CASE WHEN a.kind = ANY(CAST(:once AS text[])) THEN now() END,
        closed_why = CASE WHEN a.kind = ANY(CAST(:once AS text[])) THEN 'acknowledged' END
    FROM chosen WHERE a.id = chosen.id
    RETURNING a.id, a.closed_at IS NOT NULL AS closed
    """
)
_EXPIRED = sa.text(
    f"""
    SELECT id FROM alerts
    WHERE closed_at IS NULL AND kind = ANY(CAST(:once AS text[]))
      AND seen_at < now() - interval '{EXPIRE_DAYS} days'
    """
)
_OPEN = sa.text(
    f"""
    SELECT {_COLUMNS} FROM alerts WHERE closed_at IS NULL
    ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), opened_at DESC, id
    LIMIT :most
    """
)
_ALL = sa.text(f"SELECT {_COLUMNS} FROM alerts ORDER BY opened_at DESC, id LIMIT :most")
_NAMED = sa.text(
    f"SELECT {_COLUMNS} FROM alerts WHERE id::text LIKE :prefix ORDER BY opened_at DESC LIMIT 2"
)
_OF_INCIDENT = sa.text(
    f"SELECT {_COLUMNS} FROM alerts WHERE incident_id = :incident ORDER BY opened_at, id"
)
_OF_KIND = sa.text(
    f"""
    SELECT {_COLUMNS} FROM alerts WHERE kind = :kind
    ORDER BY closed_at IS NOT NULL, opened_at DESC, id LIMIT :most
    """
)
_KEYS = sa.text("SELECT key FROM alerts WHERE kind = :kind AND closed_at IS NULL")


_CANCEL = sa.text(
    """
    WITH waiting AS (
        SELECT id FROM alert_deliveries
        WHERE alert_id = ANY(CAST(:alerts AS uuid[])) AND outcome = 'waiting'
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE alert_deliveries AS d SET outcome = 'cancelled', detail = :why
    FROM waiting WHERE d.id = waiting.id
    """
)


_RESOLVE = sa.text(
    f"""
    WITH sent AS (
        SELECT id FROM alert_deliveries
        WHERE alert_id = ANY(CAST(:alerts AS uuid[])) AND outcome = 'sent'
          AND detail = '{RESOLVABLE}'
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE alert_deliveries AS d
    SET outcome = 'waiting', attempt = 0, due_at = clock_timestamp(), detail = '{TO_RESOLVE}'
    FROM sent WHERE d.id = sent.id
    """
)


async def raise_alert(
    connection: AsyncConnection, alert: Alert, renew_seconds: float
) -> RaisedAlert:
    """Open the alert, or count it on the one of its kind and key that is open.

    What is about one run (`pipeline.alert_kinds.happens_once`) is told of by the run and by
    Prefect: it counts once, with the title of who came first and the evidence of both.
    """
    values = {
        "kind": alert.kind,
        "key": alert.key,
        "severity": alert.severity.value,
        "title": alert.title,
        "evidence": json.dumps(dict(alert.evidence), default=str),
        "cause": alert.cause,
        "renew_seconds": renew_seconds,
        "once": happens_once(alert.kind),
    }
    return RaisedAlert(*(await connection.execute(_RAISE, values)).one())


async def close_alert(connection: AsyncConnection, kind: str, key: str, why: str) -> UUID | None:
    """Close the open alert of a kind and key; its id, None when there is none."""
    values = {"kind": kind, "key": key, "why": why}
    closed: UUID | None = await connection.scalar(_CLOSE, values)
    if closed is not None:
        await _end_deliveries(connection, [closed])
    return closed


async def close_these(connection: AsyncConnection, ids: Sequence[UUID], why: str) -> list[UUID]:
    """Close alerts by their ids; those that were open."""
    values = {"ids": list(ids), "why": why}
    closed = list((await connection.execute(_CLOSE_THESE, values)).scalars())
    await _end_deliveries(connection, closed)
    return closed


async def acknowledge(
    connection: AsyncConnection, ids: Sequence[UUID], who: str, why: str, once: Sequence[str]
) -> list[UUID]:
    """Note that somebody looks after alerts; those that were open. The first who says so counts.

    Args:
        once: Kinds that are closed by it, because they happened once.
    """
    values = {"ids": list(ids), "who": who, "why": why, "once": list(once)}
    known_rows = (await connection.execute(_ACKNOWLEDGE, values)).all()
    known = [each.id for each in known_rows]
    await cancel_deliveries(connection, known, "acknowledged")
    if closed := [each.id for each in known_rows if each.closed]:
        await connection.execute(_RESOLVE, {"alerts": closed})
    return known


async def _end_deliveries(connection: AsyncConnection, closed: Sequence[UUID]) -> None:
    """Have nothing more be sent of closed alerts but that they are over, where that is known."""
    await cancel_deliveries(connection, closed, "closed")
    await connection.execute(_RESOLVE, {"alerts": list(closed)})


async def cancel_deliveries(connection: AsyncConnection, alerts: Sequence[UUID], why: str) -> None:
    """Have nothing more be sent of alerts."""
    await connection.execute(_CANCEL, {"alerts": list(alerts), "why": why})


async def expired(connection: AsyncConnection, once: Sequence[str]) -> list[UUID]:
    """Alerts of things that happened once, long ago."""
    return list((await connection.execute(_EXPIRED, {"once": list(once)})).scalars())


async def open_alerts(connection: AsyncConnection, most: int) -> list[KeptAlert]:
    """Alerts that are open, the gravest first."""
    return await records(connection, KeptAlert, _OPEN, {"most": most})


async def all_alerts(connection: AsyncConnection, most: int) -> list[KeptAlert]:
    """Alerts, closed ones too, the newest first."""
    return await records(connection, KeptAlert, _ALL, {"most": most})


async def named(connection: AsyncConnection, prefix: str) -> list[KeptAlert]:
    """At most two alerts whose ids begin so.

    Args:
        prefix: Hexadecimal digits and hyphens.
    """
    return await records(connection, KeptAlert, _NAMED, {"prefix": f"{prefix}%"})


async def open_keys(connection: AsyncConnection, kind: str) -> set[str]:
    """With what alerts of a kind are open."""
    return set((await connection.execute(_KEYS, {"kind": kind})).scalars())


async def of_kind(connection: AsyncConnection, kind: str, most: int) -> list[KeptAlert]:
    """Alerts of one kind, closed ones too: those that are open first, then the newest."""
    return await records(connection, KeptAlert, _OF_KIND, {"kind": kind, "most": most})


async def of_incident(connection: AsyncConnection, incident: UUID) -> list[KeptAlert]:
    """An incident's alerts, the first one first."""
    return await records(connection, KeptAlert, _OF_INCIDENT, {"incident": incident})
