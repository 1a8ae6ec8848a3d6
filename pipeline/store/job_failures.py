"""Reads why jobs ended without publication, and what of a batch has not ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import FAILED, WORKING, JobState
from pipeline.store.engine import records
from pipeline.store.job_owners import OWNED, dead_holders
from pipeline.store.schema import listed


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job ended without its document being published.

    Attributes:
        name: the document's, or the beginning of the job's id.
    """

    name: str
    state: str
    message: str
    remedy: str

    @property
    def told(self) -> str:
        """Reason and remedy as sentences."""
        return f"{self.message} {self.remedy}".strip()


_FAILURES = sa.text(
    """
    SELECT 'job ' || left(j.id::text, 8) AS name, j.state, coalesce(j.error_message, '') AS message,
           coalesce(j.error_remedy, '') AS remedy
    FROM upload_jobs AS j
    WHERE j.id = ANY(:ids) AND j.state = ANY(:failed) ORDER BY j.id
    """
)


async def failures(connection: AsyncConnection, job_ids: Sequence[UUID]) -> list[JobFailure]:
    """Those of these jobs that ended in failure or quarantine, named by their ids."""
    values = {"ids": list(job_ids), "failed": [state.value for state in FAILED]}
    return await records(connection, JobFailure, _FAILURES, values)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Jobs of a batch that have not ended.

    Attributes:
        elsewhere: those that another run works on, or has before it.
        waiting: those that nobody works on, or that the batch itself gives back.
    """

    elsewhere: int
    waiting: int


NONE_LEFT = Unfinished(0, 0)

_UNFINISHED = sa.text(
    f"""
    SELECT count(*) FILTER (WHERE another) AS elsewhere,
           count(*) FILTER (WHERE NOT another) AS waiting
    FROM (
        SELECT j.stopped IS NULL AND NOT j.id = ANY(:held) AND (
                   j.lease_until IS NOT NULL AND j.lease_until >= now()
                   OR j.run_id IS DISTINCT FROM :run AND {OWNED}
               ) AS another
        FROM upload_jobs AS j
        WHERE j.id = ANY(:ids) AND j.state IN ({listed(WORKING)})
    ) AS unfinished
    """
)


async def unfinished(
    connection: AsyncConnection, job_ids: Sequence[UUID], held: Sequence[UUID], run_id: UUID
) -> Unfinished:
    """Those of these jobs that have not ended.

    Args:
        held: those that the asking batch holds, or held.
        run_id: the batch's own run.
    """
    dead = await dead_holders(connection)
    values = {"ids": list(job_ids), "held": list(held), "run": run_id, "dead": dead}
    return (await records(connection, Unfinished, _UNFINISHED, values))[0]


_ENDED = sa.text(
    """
    SELECT id, state FROM upload_jobs
    WHERE id = ANY(CAST(:ids AS uuid[])) AND state = ANY(CAST(:states AS text[])) ORDER BY id
    """
)


async def ended_badly(connection: AsyncConnection, jobs: Sequence[UUID]) -> dict[UUID, JobState]:
    """Those of the jobs that ended without their document being published, each with its state."""
    values = {"ids": list(jobs), "states": [each.value for each in FAILED]}
    return {row.id: JobState(row.state) for row in await connection.execute(_ENDED, values)}
