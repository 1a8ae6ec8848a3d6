"""Stops jobs at a cost cap, an exhausted quota or a person's word, until a person resumes them.

No sweep takes it up; `job_owners.adopt` does so at a person's word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.documents import Claim
from pipeline.errors import QuotaExhausted, RunPaused, RunStopped
from pipeline.states import WORKING, Stop
from pipeline.store.engine import records
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor

_WORKING = listed(WORKING)
# The same for jobs that are still held by a claim, and for all that a run owns.
_STOPPING = f"""
    stopped AS (
        UPDATE upload_jobs AS j SET stopped = :stop, error_class = :error_class,
            error_code = :code, error_message = :message, error_remedy = :remedy,
            updated_at = clock_timestamp()
        FROM ordered WHERE j.id = ordered.id AND j.state IN ({_WORKING}) AND j.stopped IS NULL
        RETURNING j.id, j.document_id, j.user_id, j.correlation_id, j.attempt
    )
    INSERT INTO job_events (job_id, document_id, user_id, run_id, correlation_id,
                                     event, attempt, actor, details)
    SELECT id, document_id, user_id, :run_id, correlation_id, 'stopped', attempt, :actor,
           jsonb_build_object('code', CAST(:code AS text), 'why', CAST(:message AS text))
    FROM stopped RETURNING job_id
"""
_STOP_RUN = sa.text(
    f"""
    WITH ordered AS (
        SELECT id FROM upload_jobs
        WHERE id IN (SELECT job_id FROM run_jobs WHERE run_id = :run_id)
          AND run_id = :run_id AND state IN ({_WORKING}) AND stopped IS NULL
        ORDER BY id FOR NO KEY UPDATE
    ), {_STOPPING}
    """
)
_STOP_CLAIMED = sa.text(
    f"""
    WITH ordered AS (
        SELECT l.id FROM upload_jobs AS l
        JOIN unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) AS held(id, attempt)
            ON held.id = l.id AND held.attempt = l.attempt
        WHERE l.claimed_by = :actor ORDER BY l.id FOR NO KEY UPDATE OF l
    ), {_STOPPING}
    """
)


async def stop_run(connection: AsyncConnection, stop: Stop, actor: Actor, message: str) -> int:
    """Stop what a run owns and has not finished; how many jobs.

    Args:
        message: why, in one sentence for the documents' owner.
    """
    found = await connection.execute(_STOP_RUN, _stopping(stop, actor, message))
    return len(found.scalars().all())


async def stop_claimed(
    connection: AsyncConnection, claims: Sequence[Claim], stop: Stop, actor: Actor, message: str
) -> int:
    """Stop the jobs of a batch that are still its worker's; how many."""
    values = _stopping(stop, actor, message) | {
        "ids": [claim.job_id for claim in claims],
        "attempts": [claim.attempt for claim in claims],
    }
    return len((await connection.execute(_STOP_CLAIMED, values)).scalars().all())


def _stopping(stop: Stop, actor: Actor, message: str) -> dict[str, object]:
    run = str(actor.run_id)[:8] if actor.run_id else ""
    return {
        "stop": stop.value,
        "run_id": actor.run_id,
        "actor": actor.name,
        "error_class": "RunStopped",
        "code": stop.value,
        "message": message,
        "remedy": f"Go on with `navigator resume {run}`, or ingest or retry the document.",
    }


def stop_of(error: RunStopped) -> Stop:
    """The stop that a run's error means for its unfinished jobs."""
    if isinstance(error, RunPaused):
        return Stop.PERSON
    return Stop.QUOTA if isinstance(error, QuotaExhausted) else Stop.COST_CAP


_STOPPED = sa.text(
    f"""
    SELECT j.user_id, j.id FROM run_jobs AS r
    JOIN upload_jobs AS j ON j.id = r.job_id
    WHERE r.run_id = :run_id AND j.run_id = :run_id AND j.stopped IS NOT NULL
      AND j.state IN ({_WORKING}) ORDER BY j.id
    """
)


async def stopped_jobs(connection: AsyncConnection, run_id: UUID) -> dict[UUID, list[UUID]]:
    """The jobs of a run that wait for a person, by user."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for user, job in await connection.execute(_STOPPED, {"run_id": run_id}):
        found[user].append(job)
    return dict(found)


@dataclass(frozen=True, slots=True)
class StoppedRun:
    """A run of which documents wait for a person, and why."""

    run_id: UUID
    documents: int
    message: str


_STOPPED_RUNS = sa.text(
    f"""
    SELECT j.run_id, count(*)::int AS documents, coalesce(max(j.error_message), '') AS message
    FROM upload_jobs AS j JOIN documents AS d ON d.latest_job_id = j.id
    WHERE j.stopped IS NOT NULL AND j.state IN ({_WORKING}) AND j.run_id IS NOT NULL
      AND d.deleted_at IS NULL
    GROUP BY j.run_id ORDER BY max(j.updated_at) DESC
    """
)


async def stopped_runs(connection: AsyncConnection) -> list[StoppedRun]:
    """The runs that a person can resume, the last that was stopped first."""
    return await records(connection, StoppedRun, _STOPPED_RUNS)
