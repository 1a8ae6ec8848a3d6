"""Reads the jobs of a run: those that are part of it, and those that it owns and works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING
from pipeline.store.engine import records
from pipeline.store.job_owners import adopt
from pipeline.store.lock_order import lock_jobs
from pipeline.store.registration import PipelineVersion
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor

_JOIN = sa.text(
    """
    INSERT INTO run_jobs (run_id, job_id, user_id, source, outcome)
    SELECT :run_id, j.id, j.user_id, d.source, :outcome
    FROM upload_jobs AS j JOIN documents AS d ON d.id = j.document_id
    WHERE j.id = ANY(CAST(:jobs AS uuid[])) ORDER BY j.id ON CONFLICT DO NOTHING
    """
)


async def join_run(
    connection: AsyncConnection, jobs: list[UUID], outcome: str, actor: Actor
) -> None:
    """Make jobs that exist already part of the actor's run, and the unfinished ones its own."""
    await lock_jobs(connection, jobs)
    await adopt(connection, jobs, actor)
    await connection.execute(_JOIN, {"run_id": actor.run_id, "jobs": jobs, "outcome": outcome})


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job of a run that is to be worked on."""

    job_id: UUID
    file_bytes: int
    parser: str
    chunker: str
    space_id: UUID

    @property
    def version(self) -> PipelineVersion:
        """The pipeline that it was accepted under."""
        return PipelineVersion(self.parser, self.chunker, self.space_id)


_WORKING = listed(WORKING)
_WAITING = sa.text(
    f"""
    SELECT j.id AS job_id, j.file_bytes, j.parser, j.chunker, j.space_id
    FROM run_jobs AS r JOIN upload_jobs AS j ON j.id = r.job_id
    WHERE r.run_id = :id AND j.run_id = :id AND j.state IN ({_WORKING}) AND j.stopped IS NULL
    ORDER BY r.source
    """
)


async def waiting_jobs(connection: AsyncConnection, run_id: UUID) -> list[WaitingJob]:
    """The jobs that a run owns and that have not ended, by source."""
    return await records(connection, WaitingJob, _WAITING, {"id": run_id})


_STORAGE_KEYS = sa.text(
    "SELECT id, storage_key FROM upload_jobs WHERE id = ANY(CAST(:ids AS uuid[])) "
    "AND state <> 'deleted' ORDER BY id LIMIT :most"
)


async def storage_keys(
    connection: AsyncConnection, jobs: Sequence[UUID], most: int
) -> dict[UUID, str]:
    """Where the files of some of these jobs are kept.

    Args:
        most: so many of them at most.
    """
    found = await connection.execute(_STORAGE_KEYS, {"ids": list(jobs), "most": most})
    return {row.id: row.storage_key for row in found}


_DOCUMENTS_OF = sa.text("SELECT document_id FROM upload_jobs WHERE id = ANY(CAST(:ids AS uuid[]))")


async def documents_of(connection: AsyncConnection, jobs: Sequence[UUID]) -> list[UUID]:
    """The documents of jobs."""
    return list((await connection.execute(_DOCUMENTS_OF, {"ids": list(jobs)})).scalars())
