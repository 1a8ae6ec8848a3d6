"""Queries what is overdue: announced uploads, answers of a remote parser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import FAILED, WORKING, JobState
from pipeline.store.engine import records
from pipeline.store.schema import listed

OVERDUE_HOURS = 2
"""A parse is given up by who waits for it long before."""
EXPIRED_HOURS = 25
"""The sweep forgets an announcement a day after its time."""
_MOST = 1000

_WORKING = listed(WORKING)
_RETRIED = listed((*FAILED, JobState.CANCELLED))

_EXPIRED = sa.text(
    f"""
    SELECT id FROM uploads
    WHERE job_id IS NULL AND expires_at < now() - make_interval(hours => {EXPIRED_HOURS})
    ORDER BY id LIMIT {_MOST}
    """
)


async def expired_uploads(connection: AsyncConnection) -> list[UUID]:
    """Uploads that were announced and never came, the first thousand of them."""
    return list((await connection.execute(_EXPIRED)).scalars())


@dataclass(frozen=True, slots=True)
class OverdueParse:
    """A job whose file was submitted long ago, and whose answer nobody waits for.

    Attributes:
        working: the job goes on by itself; else a person has to retry it.
    """

    job_id: UUID
    working: bool
    hours: int


_OVERDUE = sa.text(
    f"""
    SELECT j.id AS job_id, j.state IN ({_WORKING}) AS working,
           (extract(epoch FROM now() - p.submitted_at) / 3600)::int AS hours
    FROM parsed_files AS p
    JOIN upload_jobs AS j
        ON j.user_id = p.user_id AND j.file_sha256 = p.file_sha256 AND j.parser = p.parser
    WHERE p.state = 'reserved' AND p.submitted_at < now() - make_interval(hours => {OVERDUE_HOURS})
      AND p.remote_job_id IS NOT NULL AND (p.lease_until IS NULL OR p.lease_until < now())
      AND (j.lease_until IS NULL OR j.lease_until < now()) AND j.stopped IS NULL
      AND (j.state IN ({_RETRIED}) OR j.state IN ({_WORKING}) AND j.not_before > now())
    ORDER BY j.id LIMIT {_MOST}
    """
)
_DUE = sa.text(
    f"""
    WITH ordered AS (
        SELECT id FROM upload_jobs
        WHERE id = ANY(CAST(:jobs AS uuid[])) AND state IN ({_WORKING})
          AND (lease_until IS NULL OR lease_until < now())
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE upload_jobs AS j SET not_before = NULL FROM ordered WHERE j.id = ordered.id
    """
)


async def overdue_parses(connection: AsyncConnection) -> list[OverdueParse]:
    """Jobs that wait for an answer that nobody asks for, the first thousand of them."""
    return await records(connection, OverdueParse, _OVERDUE)


async def ask_at_once(connection: AsyncConnection, jobs: Sequence[UUID]) -> None:
    """Have the next sweep take the jobs up, which asks for the answers."""
    await connection.execute(_DUE, {"jobs": list(jobs)})
