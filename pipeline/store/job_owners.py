"""Ownership of jobs: the run that took one owns it, by a lease, until that run is over.

A run that works on many jobs holds them by a lease on its own row, renewed while it lives. A job
names its run (`run_id`); it is owned while that run holds its lease. Beside it stands the job's own
lease (`claims`), which says who works on it at this moment.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING
from pipeline.store.engine import records
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor
from pipeline.worker_identity import dead_workers

_WORKING = listed(WORKING)

OWNED = """EXISTS (
    SELECT FROM ingest_runs AS o
    WHERE o.id = j.run_id AND o.finished_at IS NULL AND o.held_until >= now()
      AND NOT o.held_by = ANY(CAST(:dead AS text[])))"""
"""Whether a living run owns the job `j`. Its parameter `dead` comes from `dead_holders`."""

_HOLDERS = sa.text(
    """
    SELECT held_by FROM ingest_runs
    WHERE finished_at IS NULL AND held_until >= now()
    """
)


async def dead_holders(connection: AsyncConnection) -> list[str]:
    """Dead processes of this machine that hold a run: nobody waits for their lease."""
    return dead_workers((await connection.execute(_HOLDERS)).scalars())


_HOLD = sa.text(
    """
    UPDATE ingest_runs SET finished_at = NULL, stopped = NULL,
        held_by = :worker, held_until = now() + make_interval(secs => :lease)
    WHERE id = :id
    """
)
_RENEW = sa.text(
    """
    UPDATE ingest_runs SET held_until = now() + make_interval(secs => :lease)
    WHERE id = :id AND held_by = :worker AND held_until >= now() AND finished_at IS NULL
    """
)
_LET_GO = sa.text(
    """
    UPDATE ingest_runs SET held_by = NULL, held_until = NULL
    WHERE id = :id AND held_by = :worker
    """
)


async def acquire_run_lease(
    connection: AsyncConnection, run_id: UUID, worker: str, seconds: float
) -> None:
    """Acquire the run's lease on its jobs; a run that was over goes on."""
    await connection.execute(_HOLD, {"id": run_id, "worker": worker, "lease": seconds})


async def renew_run_lease(
    connection: AsyncConnection, run_id: UUID, worker: str, seconds: float
) -> bool:
    """Renew the run's lease; False when it has run out, and others may have taken its jobs."""
    values = {"id": run_id, "worker": worker, "lease": seconds}
    return (await connection.execute(_RENEW, values)).rowcount == 1


async def release_run_lease(connection: AsyncConnection, run_id: UUID, worker: str) -> None:
    """Release the run's lease; nothing, when the run is over or another process has it."""
    await connection.execute(_LET_GO, {"id": run_id, "worker": worker})


_GIVE_BACK = sa.text(
    f"""
    WITH ordered AS (
        SELECT id FROM upload_jobs
        WHERE run_id = :run_id AND state IN ({_WORKING}) AND stopped IS NULL
          AND (lease_until IS NULL OR lease_until < now())
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE upload_jobs AS j SET run_id = NULL FROM ordered WHERE j.id = ordered.id
    """
)


async def release_jobs(connection: AsyncConnection, run_id: UUID) -> None:
    """Release what the run could not finish: others may take it, and need not wait for this run."""
    await connection.execute(_GIVE_BACK, {"run_id": run_id})


_ADOPTABLE = f"""
    j.state IN ({_WORKING}) AND NOT {OWNED}
    AND (j.stopped IS NULL OR (SELECT asked FROM ingest_runs WHERE id = :run_id))
    AND (j.run_id IS DISTINCT FROM :run_id OR j.stopped IS NOT NULL)
    AND (j.lease_until IS NULL OR j.lease_until < now()
         OR j.claimed_by = ANY(CAST(:gone AS text[])))
"""
# Only what can be adopted is locked: who claims passes over what is locked, so whoever looks every
# second for what others give up would keep a run from its own jobs.
_ADOPT = sa.text(
    f"""
    WITH ordered AS (
        SELECT j.id FROM upload_jobs AS j
        WHERE j.id = ANY(CAST(:jobs AS uuid[])) AND {_ADOPTABLE}
        ORDER BY j.id FOR NO KEY UPDATE OF j
    ), adopted AS (
        UPDATE upload_jobs AS j SET run_id = :run_id, stopped = NULL,
            error_class = CASE WHEN j.stopped IS NULL THEN j.error_class END,
            error_code = CASE WHEN j.stopped IS NULL THEN j.error_code END,
            error_message = CASE WHEN j.stopped IS NULL THEN j.error_message END,
            error_remedy = CASE WHEN j.stopped IS NULL THEN j.error_remedy END
        FROM ordered, upload_jobs AS before
        WHERE j.id = ordered.id AND before.id = j.id AND {_ADOPTABLE}
        RETURNING j.id, j.document_id, j.user_id, j.correlation_id, j.attempt, before.stopped
    ), told AS (
        INSERT INTO job_events (job_id, document_id, user_id, run_id, correlation_id,
                                         event, attempt, actor, details)
        SELECT id, document_id, user_id, :run_id, correlation_id, 'resumed', attempt, :actor,
               jsonb_build_object('after', stopped)
        FROM adopted WHERE stopped IS NOT NULL
    )
    SELECT id FROM adopted
    """
)


_CLAIMED = """
    SELECT DISTINCT claimed_by FROM upload_jobs
    WHERE lease_until >= now() AND claimed_by IS NOT NULL
"""
_CLAIMERS = sa.text(f"{_CLAIMED} AND id = ANY(CAST(:jobs AS uuid[]))")
_CLAIMERS_OF_ALL = sa.text(f"{_CLAIMED} AND state IN ({_WORKING})")


async def gone_claimers(
    connection: AsyncConnection, job_ids: Sequence[UUID] | None = None
) -> list[str]:
    """The processes of this machine that work on one of these jobs, or on any, and are gone."""
    if job_ids is None:
        found = await connection.execute(_CLAIMERS_OF_ALL)
    else:
        found = await connection.execute(_CLAIMERS, {"jobs": list(job_ids)})
    return dead_workers(found.scalars())


_LEFT = sa.text(
    f"""
    SELECT j.id FROM run_jobs AS r JOIN upload_jobs AS j ON j.id = r.job_id
    WHERE r.run_id = :run_id AND j.state IN ({_WORKING}) AND NOT j.id = ANY(CAST(:tried AS uuid[]))
      AND (j.run_id IS DISTINCT FROM :run_id OR j.stopped IS NOT NULL)
    """
)


async def adopt_orphaned_jobs(
    connection: AsyncConnection, actor: Actor, tried: Collection[UUID]
) -> set[UUID]:
    """Adopt what the actor's run was to do and others have released; see `adopt`.

    Args:
        tried: jobs that the run has worked on already, and does not take up again.
    """
    values = {"run_id": actor.run_id, "tried": list(tried)}
    left = (await connection.execute(_LEFT, values)).scalars().all()
    return await adopt(connection, left, actor)


async def adopt(connection: AsyncConnection, job_ids: Sequence[UUID], actor: Actor) -> set[UUID]:
    """Make unfinished jobs the run's own.

    Jobs that another living run owns, or that somebody works on, stay theirs. What was stopped
    goes on if a person asks for the run, and stays where it is if a schedule does.

    Returns:
        The ids of the jobs that changed their owner.
    """
    if not job_ids:
        return set()
    values = {
        "jobs": list(job_ids),
        "run_id": actor.run_id,
        "actor": actor.name,
        "dead": await dead_holders(connection),
        "gone": await gone_claimers(connection, job_ids),
    }
    return set((await connection.execute(_ADOPT, values)).scalars())


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Jobs of a run that another one has.

    Attributes:
        owner: the run that has them, if one does.
        started_at: when that run began.
    """

    owner: UUID | None
    kind: str | None
    started_at: datetime | None
    jobs: list[UUID]

    def __str__(self) -> str:
        began = f" that began at {self.started_at:%H:%M:%S} UTC" if self.started_at else ""
        run = f"the {self.kind} {str(self.owner)[:8]}{began}" if self.kind else "another worker"
        return f"{len(self.jobs)} documents that {run} works on"


_ELSEWHERE = sa.text(
    f"""
    SELECT j.run_id AS owner, o.kind, o.started_at, array_agg(j.id ORDER BY j.id) AS jobs
    FROM run_jobs AS r JOIN upload_jobs AS j ON j.id = r.job_id
    LEFT JOIN ingest_runs AS o ON o.id = j.run_id
    WHERE r.run_id = :run_id AND j.state IN ({_WORKING}) AND j.stopped IS NULL
      AND j.run_id IS DISTINCT FROM :run_id
      AND ({OWNED} OR (j.lease_until >= now() AND NOT j.claimed_by = ANY(CAST(:gone AS text[]))))
    GROUP BY j.run_id, o.kind, o.started_at
    """
)
_LEASED = sa.text(
    """
    SELECT j.id FROM run_jobs AS r JOIN upload_jobs AS j ON j.id = r.job_id
    WHERE r.run_id = :run_id AND j.lease_until >= now()
    """
)


async def held_elsewhere(connection: AsyncConnection, run_id: UUID) -> list[Elsewhere]:
    """Unfinished jobs of this run that others work on, by who has them."""
    leased = (await connection.execute(_LEASED, {"run_id": run_id})).scalars().all()
    values = {
        "run_id": run_id,
        "dead": await dead_holders(connection),
        "gone": await gone_claimers(connection, leased),
    }
    return await records(connection, Elsewhere, _ELSEWHERE, values)
