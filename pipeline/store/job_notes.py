"""Writes notes into a job's history that change nothing: what to know of how it went."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.transitions import Actor

_NOTE = sa.text(
    """
    INSERT INTO job_events (job_id, document_id, user_id, run_id, correlation_id, event,
                                     from_state, to_state, attempt, actor, details)
    SELECT id, document_id, user_id, :run_id, correlation_id, :event, state, state, attempt,
           :actor, CAST(:details AS jsonb)
    FROM upload_jobs WHERE id = :job
    """
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
