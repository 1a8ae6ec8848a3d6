"""Claims jobs: a lease (SKIP LOCKED) with the attempt as fencing token, renewed while in work.

The database's clock is the only clock. Each claim raises the job's `attempt`, and every later
write names it, so a worker that slept past its lease can no longer write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.documents import Claim
from pipeline.errors import NavigatorError
from pipeline.states import WORKING, JobState
from pipeline.store.job_owners import OWNED
from pipeline.store.registration import PipelineVersion
from pipeline.store.schema import listed
from pipeline.store.transitions import in_order
from pipeline.worker_identity import dead_workers


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker holds, with what the stages need to know of it."""

    job_id: UUID
    attempt: int
    state: JobState
    document_id: UUID
    user_id: UUID
    correlation_id: UUID
    source: str
    file_sha256: str
    file_bytes: int
    media_type: str | None
    storage_key: str
    parser: str
    chunker: str
    space_id: UUID
    parsed_key: str | None
    failures: int

    @property
    def claim(self) -> Claim:
        """The claim alone (id and fencing token), without the job's facts."""
        return Claim(self.job_id, self.attempt)


_WORKING = listed(WORKING)

_FACTS = """
    j.id AS job_id, j.attempt, j.state, j.document_id, j.user_id, j.correlation_id, d.source,
    j.file_sha256, j.file_bytes, j.media_type, j.storage_key, j.parser, j.chunker, j.space_id,
    j.parsed_key, j.failures
"""

_HOLDERS = sa.text(
    """
    SELECT claimed_by FROM upload_jobs
    WHERE id = ANY(CAST(:ids AS uuid[])) AND lease_until >= now() AND claimed_by IS NOT NULL
    UNION
    SELECT o.held_by FROM upload_jobs AS j JOIN ingest_runs AS o
        ON o.id = j.run_id AND o.finished_at IS NULL AND o.held_until >= now()
    WHERE j.id = ANY(CAST(:ids AS uuid[])) AND o.id IS DISTINCT FROM CAST(:run AS uuid)
    """
)
_CLAIM = sa.text(
    f"""
    WITH free AS (
        SELECT id FROM upload_jobs AS j
        WHERE id = ANY(CAST(:ids AS uuid[])) AND state IN ({_WORKING}) AND stopped IS NULL
          AND parser = :parser AND chunker = :chunker AND space_id = :space
          AND (claimed_by IS NULL OR lease_until < now() OR claimed_by = ANY(:dead)
               OR claimed_by = :worker AND id = ANY(CAST(:unheard AS uuid[])))
          AND (run_id IS NOT DISTINCT FROM CAST(:run AS uuid) OR NOT {OWNED})
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE upload_jobs AS j
        SET claimed_by = :worker, lease_until = now() + make_interval(secs => :lease),
            attempt = attempt + 1, run_id = coalesce(CAST(:run AS uuid), run_id)
        FROM free WHERE j.id = free.id
        RETURNING j.*
    )
    SELECT {_FACTS}
    FROM claimed AS j JOIN documents AS d ON d.id = j.document_id
    """
)


async def claim(
    connection: AsyncConnection,
    job_ids: Sequence[UUID],
    version: PipelineVersion,
    worker: str,
    lease_seconds: float,
    run_id: UUID | None = None,
    unheard: Sequence[UUID] = (),
) -> list[ClaimedJob]:
    """Claim those of the jobs that are free: unclaimed, past their lease, or of a dead process.

    Args:
        run_id: for which run, which they belong to from now on.
        unheard: jobs on which nothing in this process works: where the worker's own name stands
            on one, the end of that claim was never heard.

    Returns:
        The claimed jobs in the order of `job_ids`; jobs that ended or were stopped, that a living
        worker holds or another living run owns, or that belong to another pipeline version than
        this worker's are left out.
    """
    ids = list(job_ids)
    holders = (await connection.execute(_HOLDERS, {"ids": ids, "run": run_id})).scalars()
    values = {
        "ids": ids,
        "dead": dead_workers(holders),
        "worker": worker,
        "unheard": list(unheard),
        "run": run_id,
        "lease": lease_seconds,
        "parser": version.parser,
        "chunker": version.chunker,
        "space": version.space_id,
    }
    claimed = {job.job_id: job for job in await _jobs(connection, _CLAIM, values)}
    return [claimed[job_id] for job_id in ids if job_id in claimed]


async def _jobs(
    connection: AsyncConnection, statement: sa.TextClause, values: dict[str, Any]
) -> list[ClaimedJob]:
    found = await connection.execute(statement, values)
    return [
        ClaimedJob(job, attempt, JobState(state), *rest) for job, attempt, state, *rest in found
    ]


_HELD = sa.text(
    f"""
    SELECT {_FACTS}
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) WITH ORDINALITY
        AS held(id, attempt, position)
    JOIN upload_jobs AS j ON j.id = held.id AND j.attempt = held.attempt
    JOIN documents AS d ON d.id = j.document_id
    WHERE j.claimed_by = :worker AND j.state = ANY(:states) ORDER BY held.position
    """
)


async def held(
    connection: AsyncConnection, claims: Sequence[Claim], worker: str, states: Sequence[JobState]
) -> list[ClaimedJob]:
    """The claimed jobs that are still this worker's and stand at one of the states."""
    values = {**_held(claims), "worker": worker, "states": [state.value for state in states]}
    return await _jobs(connection, _HELD, values)


_OURS = f"WITH {in_order('CAST(:ids AS uuid[])', 'claimed_by = :worker')}"
_RENEW = sa.text(
    f"""
    {_OURS}
    UPDATE upload_jobs AS j
    SET lease_until = now() + make_interval(secs => :lease)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) AS held(id, attempt)
    JOIN ordered USING (id)
    WHERE j.id = held.id AND j.attempt = held.attempt AND j.claimed_by = :worker
      AND j.lease_until >= now()
    RETURNING j.id
    """
)
_RELEASE = sa.text(
    f"""
    {_OURS}
    UPDATE upload_jobs AS j SET claimed_by = NULL, lease_until = NULL
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) AS held(id, attempt)
    JOIN ordered USING (id)
    WHERE j.id = held.id AND j.attempt = held.attempt AND j.claimed_by = :worker
    """
)


async def renew(
    connection: AsyncConnection, claims: Sequence[Claim], worker: str, lease_seconds: float
) -> set[UUID]:
    """Renew leases that have not run out; the ids of the jobs that are still ours."""
    values = {**_held(claims), "worker": worker, "lease": lease_seconds}
    return set((await connection.execute(_RENEW, values)).scalars())


async def release(connection: AsyncConnection, claims: Sequence[Claim], worker: str) -> None:
    """Release the jobs at once, so that the next worker need not wait for the lease."""
    await connection.execute(_RELEASE, {**_held(claims), "worker": worker})


def _held(claims: Sequence[Claim]) -> dict[str, list[UUID] | list[int]]:
    return {
        "ids": [claim.job_id for claim in claims],
        "attempts": [claim.attempt for claim in claims],
    }


_TROUBLE = sa.text(
    f"""
    {_OURS}
    UPDATE upload_jobs AS j SET troubles = j.troubles + 1, waits_for = :waits_for,
        error_class = :error_class, error_code = :code, error_message = :message,
        error_remedy = :remedy, updated_at = clock_timestamp(),
        -- 10 s, 20 s, 40 s … up to an hour, with jitter: only sweeps wait for it
        not_before = now() + make_interval(secs =>
            least(10 * power(2, least(j.troubles, 9)), 3600) * (0.5 + random() / 2))
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) AS held(id, attempt)
    JOIN ordered USING (id)
    WHERE j.id = held.id AND j.attempt = held.attempt AND j.claimed_by = :worker
      AND j.state IN ({_WORKING})
    """
)


async def note_trouble(
    connection: AsyncConnection,
    claims: Sequence[Claim],
    worker: str,
    error: NavigatorError,
    waits_for: str | None = None,
) -> None:
    """Record why jobs could not go on for now; it is no failure of theirs.

    Args:
        waits_for: the provider whose circuit was open: the jobs are taken up when it has closed,
            without the pause.
    """
    await connection.execute(
        _TROUBLE,
        {
            **_held(claims),
            "worker": worker,
            "waits_for": waits_for,
            "error_class": type(error).__name__,
            "code": error.code,
            "message": error.message,
            "remedy": error.remedy,
        },
    )
