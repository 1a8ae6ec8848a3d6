"""Keeps the messages of alerts: planned when one is raised, claimed by one process, settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.alert_routing import PlannedDelivery
from pipeline.store.alerts import RESOLVABLE, TO_RESOLVE, RaisedAlert, cancel_deliveries
from pipeline.store.engine import records

ATTEMPTS = 3
"""So often a message is tried; then the alert goes to its next step at once."""
RETRY_SECONDS = 30
"""Before the second attempt; twice that before the third."""
LEASE_SECONDS = 90
"""Who has claimed a message and not settled it by then has died: another sends it."""


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A message that this process is to send now, with what its alert says.

    Attributes:
        step: Of the route, from 0: above it, somebody did not acknowledge.
        detail: `TO_RESOLVE` when what was sent is over; else why the last attempt failed.
    """

    id: int
    target: str
    step: int
    round: int
    attempt: int
    detail: str
    alert_id: UUID
    kind: str
    key: str
    severity: str
    title: str
    evidence: Mapping[str, Any]
    cause: str
    opened_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class KeptDelivery:
    """A message as it is kept: waiting, sent, failed or cancelled."""

    alert_id: UUID
    round: int
    step: int
    target: str
    due_at: datetime
    attempt: int
    outcome: str
    sent_at: datetime | None
    detail: str


_PLAN = sa.text(
    """
    INSERT INTO alert_deliveries (alert_id, round, step, target, due_at)
    VALUES (:alert_id, :round, :step, :target, :due_at)
    """
)
# Locked are the rows alone that are sent; what another process has claimed is due later. First
# steps of the same target that wait to be grouped go with the first of them.
_CLAIM = sa.text(
    f"""
    WITH first AS (
        SELECT target FROM alert_deliveries
        WHERE outcome = 'waiting' AND due_at <= clock_timestamp()
        ORDER BY due_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    ), mine AS (
        SELECT d.id FROM alert_deliveries AS d JOIN first ON d.target = first.target
        WHERE d.outcome = 'waiting' AND (
            d.due_at <= clock_timestamp() OR (d.step = 0 AND d.attempt = 0
            AND d.due_at <= clock_timestamp() + make_interval(secs => :group_seconds)))
        ORDER BY d.id FOR NO KEY UPDATE OF d SKIP LOCKED
    ), claimed AS (
        UPDATE alert_deliveries AS d SET attempt = d.attempt + 1,
            due_at = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
        FROM mine WHERE d.id = mine.id
        RETURNING d.id, d.target, d.step, d.round, d.attempt, d.detail, d.alert_id
    )
    SELECT c.id, c.target, c.step, c.round, c.attempt, c.detail, c.alert_id, a.kind, a.key,
        a.severity,
        a.title, a.evidence, a.cause, a.opened_at, a.count
    FROM claimed AS c JOIN alerts AS a ON a.id = c.alert_id
    ORDER BY array_position(ARRAY['critical', 'warning', 'info'], a.severity), a.opened_at, c.id
    """
)
_IDS = "SELECT id FROM alert_deliveries WHERE id = ANY(CAST(:ids AS bigint[]))"
_SENT = sa.text(
    f"""
    WITH mine AS ({_IDS} ORDER BY id FOR NO KEY UPDATE)
    UPDATE alert_deliveries AS d
    SET outcome = 'sent', sent_at = coalesce(d.sent_at, clock_timestamp()), detail = :detail
    FROM mine WHERE d.id = mine.id
    """
)
_RESOLVE = sa.text(
    f"""
    WITH mine AS (
        SELECT d.id FROM alert_deliveries AS d JOIN alerts AS a ON a.id = d.alert_id
        WHERE d.id = ANY(CAST(:ids AS bigint[])) AND a.closed_at IS NOT NULL
        ORDER BY d.id FOR NO KEY UPDATE OF d
    )
    UPDATE alert_deliveries AS d
    SET outcome = 'waiting', attempt = 0, due_at = clock_timestamp(), detail = '{TO_RESOLVE}'
    FROM mine WHERE d.id = mine.id
    """
)
_LOCK_ALL = sa.text(
    """
    SELECT FROM alert_deliveries WHERE alert_id IN (
        SELECT alert_id FROM alert_deliveries WHERE id = ANY(CAST(:ids AS bigint[])))
    ORDER BY id FOR NO KEY UPDATE
    """
)
_REFUSED = sa.text(
    f"""
    WITH mine AS ({_IDS} AND outcome = 'waiting' ORDER BY id FOR NO KEY UPDATE)
    UPDATE alert_deliveries AS d
    SET detail = CASE WHEN d.detail = '{TO_RESOLVE}' THEN d.detail ELSE :why END,
        outcome = CASE WHEN attempt >= {ATTEMPTS} THEN 'failed' ELSE 'waiting' END,
        due_at = clock_timestamp()
            + make_interval(secs => {RETRY_SECONDS} * power(2, greatest(attempt - 1, 0)))
    FROM mine WHERE d.id = mine.id
    RETURNING d.alert_id, d.round, d.step, d.outcome
    """
)
_NEXT = sa.text(
    """
    WITH later AS (
        SELECT id FROM alert_deliveries AS d
        WHERE alert_id = :alert AND round = :round AND outcome = 'waiting' AND step = (
            SELECT min(step) FROM alert_deliveries
            WHERE alert_id = :alert AND round = :round AND step > :step)
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE alert_deliveries AS d SET due_at = least(d.due_at, clock_timestamp())
    FROM later WHERE d.id = later.id
    """
)
_OF_ALERTS = sa.text(
    """
    SELECT alert_id, round, step, target, due_at, attempt, outcome, sent_at, detail
    FROM alert_deliveries WHERE alert_id = ANY(CAST(:alerts AS uuid[]))
    ORDER BY alert_id, round, step, target
    """
)


async def plan(
    connection: AsyncConnection, raised: RaisedAlert, planned: Iterable[PlannedDelivery]
) -> None:
    """Have an alert's messages be sent when they are due, and no earlier round's any more."""
    if raised.round > 1:
        await cancel_deliveries(connection, [raised.id], "told anew")
    for each in planned:
        await connection.execute(
            _PLAN,
            {"alert_id": raised.id, "round": raised.round, "step": each.step,
             "target": each.target, "due_at": each.due_at},
        )  # fmt: skip


async def claim(connection: AsyncConnection, group_seconds: float) -> list[ClaimedDelivery]:
    """Claim what is due for one target, to be sent as one message; empty when nothing is."""
    return await records(connection, ClaimedDelivery, _CLAIM, {"group_seconds": group_seconds})


async def settle(
    connection: AsyncConnection, ids: Sequence[int], refusal: str | None, detail: str = ""
) -> None:
    """Note how claimed messages ended; one that is refused is tried again, or the next step taken.

    Args:
        refusal: Why they were not sent; None when they were.
        detail: `RESOLVABLE` where they are to be resolved when their alerts are closed.
    """
    if refusal is None:
        await connection.execute(_SENT, {"ids": list(ids), "detail": detail})
        if detail == RESOLVABLE:  # unless it was closed while it was sent
            await connection.execute(_RESOLVE, {"ids": list(ids)})
        return
    await connection.execute(_LOCK_ALL, {"ids": list(ids)})  # the next step's too
    refused = await connection.execute(_REFUSED, {"ids": list(ids), "why": refusal})
    for alert, round_, step, outcome in sorted(refused.all()):
        if outcome == "failed":
            await connection.execute(_NEXT, {"alert": alert, "round": round_, "step": step})


async def of_alerts(connection: AsyncConnection, alerts: Sequence[UUID]) -> list[KeptDelivery]:
    """Every message of these alerts."""
    return await records(connection, KeptDelivery, _OF_ALERTS, {"alerts": list(alerts)})
