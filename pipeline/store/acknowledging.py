"""Acknowledging failures: a person knows of a failed document, and no later run need say so."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import FAILED
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor, in_order

# A job that fails again has ended later than it was acknowledged.
ACKNOWLEDGED = "coalesce(j.acknowledged_at >= j.finished_at, false)"
"""Whether a person knows of the failure of the job `j`."""

_ACKNOWLEDGE = sa.text(
    f"""
    WITH {in_order("CAST(:ids AS uuid[])", f"state IN ({listed(FAILED)})")}, known AS (
        UPDATE upload_jobs AS j SET acknowledged_at = clock_timestamp()
        FROM ordered WHERE j.id = ordered.id
        RETURNING j.id, j.document_id, j.user_id, j.correlation_id, j.attempt
    ), told AS (
        INSERT INTO job_events (job_id, document_id, user_id, correlation_id, event,
                                         attempt, actor)
        SELECT id, document_id, user_id, correlation_id, 'acknowledged', attempt, :actor
        FROM known
    )
    SELECT id FROM known
    """
)


_FORGET = sa.text(
    f"""
    UPDATE upload_jobs SET acknowledged_at = NULL
    WHERE id = :id AND state IN ({listed(FAILED)}) AND acknowledged_at IS NOT NULL
    """
)


async def forget(connection: AsyncConnection, job_id: UUID) -> None:
    """Have a failure be told of again, as if nobody knew of it."""
    await connection.execute(_FORGET, {"id": job_id})


async def acknowledge(
    connection: AsyncConnection, job_ids: Sequence[UUID], actor: Actor
) -> set[UUID]:
    """Note that a person knows of these failures.

    Returns:
        The ids of those that have failed; others are left as they are.
    """
    values = {"ids": sorted(job_ids), "actor": actor.name}
    return set((await connection.execute(_ACKNOWLEDGE, values)).scalars())
