"""Retries failed jobs that a person sends back, under the settings of today."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from pipeline.store import registration, retrying, run_jobs, runs
from pipeline.store.lock_order import lock_jobs
from pipeline.store.transitions import Actor
from stages.services import Services


async def retry_jobs(
    services: Services,
    user: UUID,
    run_id: UUID,
    job_ids: Sequence[UUID],
    *,
    kind: str = "retry",
    max_cost_usd: Decimal | None = None,
) -> list[UUID]:
    """Make failed and stopped jobs ready to go on, in a run of their own.

    A job that another parser, chunker or embedder than today's was to do is replaced by one of
    today's over the same stored bytes, since no worker of today would take the old one.

    Returns:
        The ids of the jobs to work on.
    """
    actor = Actor("person", run_id)
    async with services.database.service() as connection:
        await runs.start_run(connection, run_id, user, kind, max_cost_usd=max_cost_usd)
        other = await retrying.other_versions(connection, job_ids, services.version)
        same = [job for job in job_ids if job not in other]
        replaced = list(other.values())
        known = await registration.look_up(connection, user, replaced, services.version)
        # all that is sent back or replaced, at once: see `pipeline.store.lock_order`
        await registration.lock(connection, user, replaced)
        await lock_jobs(connection, same, documents=[each.document_id for each in known])
        registered = await registration.register(
            connection, user, replaced, services.version,
            run_id=run_id, actor=actor.name,
        )  # fmt: skip
        await retrying.retry_jobs(connection, same, actor, user)
        renewed = [each.job_id for each in registered]
        # One of today's may have failed before, too.
        await retrying.retry_jobs(connection, renewed, actor, user)
        await run_jobs.join_run(connection, same, "waiting", actor)
    return [*same, *renewed]
