"""Cancels jobs on a person's request, and fences the workers that have them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING, JobState
from pipeline.store.engine import rows
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor, Move, move

_WORKING = listed(WORKING)
_UNFINISHED = sa.text(
    f"""
    SELECT id, state FROM upload_jobs
    WHERE id = ANY(CAST(:ids AS uuid[])) AND user_id = :user_id AND state IN ({_WORKING})
    ORDER BY id FOR NO KEY UPDATE
    """
)
# A late write names the attempt that it belongs to; after this there is none such.
_FENCE = sa.text(
    """
    UPDATE upload_jobs SET attempt = attempt + 1
    WHERE id = ANY(CAST(:ids AS uuid[])) AND user_id = :user_id
    """
)


async def cancel_jobs(
    connection: AsyncConnection, job_ids: Sequence[UUID], user: UUID, actor: Actor
) -> set[UUID]:
    """Cancel a user's unfinished jobs, in the caller's transaction.

    What was parsed and embedded already is kept, so that a retry does not pay for it again.

    Returns:
        The ids of those that had not ended.
    """
    values = {"ids": list(job_ids), "user_id": user}
    found = await rows(connection, _UNFINISHED, values)
    moves = [Move(r["id"], None, JobState(r["state"]), JobState.CANCELLED) for r in found]
    moved = await move(connection, moves, actor)
    await connection.execute(_FENCE, {"ids": list(moved), "user_id": user})
    return moved
