"""Stores webhooks, deduplicated by event id, and notifies whoever waits for the job."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.notifications import PARSE_CHANNEL
from pipeline.webhooks import WebhookEvent


class Receipt(StrEnum):
    """What an event came to."""

    WOKEN = "woken"  # somebody may wait for this job: they were told to look
    LATE = "late"  # its text is stored already
    UNKNOWN = "unknown"  # no job of ours, or not yet: kept, and nothing done
    NOTED = "noted"  # not an end: nothing to do
    REPEATED = "repeated"  # the same event again: nothing changes


_JOB = sa.text(
    """
    SELECT user_id, state FROM parsed_files WHERE remote_job_id = :remote
    ORDER BY state = 'done' LIMIT 1
    """
)
_KEEP = sa.text(
    """
    INSERT INTO webhook_events (event_id, user_id, event_type, remote_job_id, outcome)
    VALUES (:event_id, :user_id, :event_type, :remote, :outcome)
    ON CONFLICT (event_id) DO NOTHING
    """
)
_TELL = sa.text("SELECT pg_notify(:channel, :remote)")


async def receive(connection: AsyncConnection, event: WebhookEvent) -> Receipt:
    """Write a verified event down and tell of it, in one transaction; again changes nothing."""
    values: dict[str, Any] = {"remote": event.remote_job_id}
    found = await rows(connection, _JOB, values)
    receipt = _receipt(event, found[0]["state"] if found else None)
    values |= {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "user_id": found[0]["user_id"] if found else None,
        "outcome": receipt.value,
    }
    if not (await connection.execute(_KEEP, values)).rowcount:
        return Receipt.REPEATED
    # Also of a job that is not known yet: its id may be on its way into the database.
    if event.is_end and receipt is not Receipt.LATE:
        await connection.execute(_TELL, {**values, "channel": PARSE_CHANNEL})
    return receipt


def _receipt(event: WebhookEvent, state: str | None) -> Receipt:
    if state is None:
        return Receipt.UNKNOWN
    if not event.is_end:
        return Receipt.NOTED
    return Receipt.LATE if state == "done" else Receipt.WOKEN
