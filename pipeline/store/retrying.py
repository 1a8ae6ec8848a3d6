"""Retries failed and cancelled jobs (dead letters) for a person, from their last good state."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import RETRY_STATE, RETRYABLE, JobState
from pipeline.store.engine import rows
from pipeline.store.registration import PipelineVersion, Source
from pipeline.store.same_space import same_space
from pipeline.store.transitions import Actor, Move, in_order, move

_ENDED = sa.text(
    """
    SELECT id, state FROM upload_jobs
    WHERE id = ANY(CAST(:ids AS uuid[])) AND state = ANY(:ended)
      AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
    ORDER BY id FOR NO KEY UPDATE
    """
)


async def retry_jobs(
    connection: AsyncConnection, job_ids: Sequence[UUID], actor: Actor, user: UUID | None = None
) -> set[UUID]:
    """Send jobs back, in the caller's transaction.

    Args:
        user: only this user's jobs; None for anybody's.

    Returns:
        The ids of those that had failed or been cancelled.
    """
    values = {
        "ids": list(job_ids),
        "ended": [state.value for state in RETRYABLE],
        "user_id": user,
    }
    found = [(row["id"], JobState(row["state"])) for row in await rows(connection, _ENDED, values)]
    moves = [Move(job, None, state, RETRY_STATE[state]) for job, state in found]
    return await move(connection, moves, actor)


_OTHER_VERSIONS = sa.text(
    f"""
    SELECT j.id, d.source, d.name, j.file_sha256, j.file_bytes, j.storage_key, d.parent_id
    FROM upload_jobs AS j JOIN documents AS d ON d.id = j.document_id
    WHERE j.id = ANY(CAST(:ids AS uuid[]))
      AND ((j.parser, j.chunker) IS DISTINCT FROM (:parser, :chunker) OR NOT ({same_space("j")}))
    """
)


async def other_versions(
    connection: AsyncConnection, job_ids: Sequence[UUID], version: PipelineVersion
) -> dict[UUID, Source]:
    """Those of the jobs that belong to another pipeline version, each with its stored source."""
    values = {
        "ids": list(job_ids),
        "parser": version.parser,
        "chunker": version.chunker,
        "space": version.space_id,
    }
    return {
        row["id"]: Source(**{name: value for name, value in row.items() if name != "id"})
        for row in await rows(connection, _OTHER_VERSIONS, values)
    }


_FORGET_READING = sa.text(
    f"""
    WITH {in_order("CAST(:ids AS uuid[])")}
    UPDATE upload_jobs AS j SET correlation_id = gen_random_uuid()
    FROM ordered WHERE j.id = ordered.id
    """
)
_NEWEST = sa.text("SELECT latest_job_id FROM documents WHERE id = ANY(CAST(:ids AS uuid[]))")


async def forget_reading(connection: AsyncConnection, job_ids: Sequence[UUID]) -> None:
    """Have jobs read anew: a cached parse is found by the correlation id that they had."""
    await connection.execute(_FORGET_READING, {"ids": list(job_ids)})


async def newest(connection: AsyncConnection, documents: Sequence[UUID]) -> set[UUID]:
    """The newest jobs of documents."""
    return set((await connection.execute(_NEWEST, {"ids": list(documents)})).scalars())
