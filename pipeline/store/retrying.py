"""A person's retry: failed jobs go back to their last good state."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import FAILED, RETRY_STATE, JobState
from pipeline.store.engine import rows
from pipeline.store.registration import PipelineVersion, Source
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor, Move, move

_FAILED = sa.text(
    f"""
    SELECT id, state FROM {SCHEMA}.upload_jobs
    WHERE id = ANY(CAST(:ids AS uuid[])) AND state = ANY(:failed) ORDER BY id FOR UPDATE
    """  # noqa: S608
)


async def retry_jobs(
    connection: AsyncConnection, job_ids: Sequence[UUID], actor: Actor
) -> set[UUID]:
    """Send failed jobs back, in the caller's transaction; the ids of those that were failed."""
    values = {"ids": list(job_ids), "failed": [state.value for state in FAILED]}
    found = [(row["id"], JobState(row["state"])) for row in await rows(connection, _FAILED, values)]
    moves = [Move(job, None, state, RETRY_STATE[state]) for job, state in found]
    return await move(connection, moves, actor)


_OTHER_VERSIONS = sa.text(
    f"""
    SELECT j.id, d.source, d.name, j.file_sha256, j.file_bytes, j.storage_key
    FROM {SCHEMA}.upload_jobs AS j JOIN {SCHEMA}.documents AS d ON d.id = j.document_id
    WHERE j.id = ANY(CAST(:ids AS uuid[]))
      AND (j.parser, j.chunker, j.space_id) IS DISTINCT FROM (:parser, :chunker, :space)
    """  # noqa: S608
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
