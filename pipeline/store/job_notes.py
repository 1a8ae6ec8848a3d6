"""Writes notes into a job's history that change nothing: what to know of how it went."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor

_NOTE = sa.text(
    f"""
    INSERT INTO {SCHEMA}.job_events (job_id, document_id, user_id, run_id, correlation_id, event,
                                     from_state, to_state, attempt, actor, details)
    SELECT id, document_id, user_id, :run_id, correlation_id, :event, state, state, attempt,
           :actor, CAST(:details AS jsonb)
    FROM {SCHEMA}.upload_jobs WHERE id = :job
    """  # noqa: S608
)


async def note(
    connection: AsyncConnection, job_id: UUID, event: str, details: dict[str, Any], actor: Actor
) -> None:
    """Add an event to a job's audit; `details` never hold document text."""
    await connection.execute(
        _NOTE,
        {
            "job": job_id,
            "event": event,
            "details": json.dumps(details),
            "run_id": actor.run_id,
            "actor": actor.name,
        },
    )
