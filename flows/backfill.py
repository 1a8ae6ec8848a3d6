"""Backfills: works off what waits, what failed, or what an older pipeline version made.

It selects by state, so it can be stopped and started at any time: what is done is not selected
again. Scheduled nightly over what waits, it is the sweep that loses nothing when Prefect was gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.batch_runner import BatchRunner
from flows.cancellation import was_cancelled
from flows.ingest import conclude
from flows.redacted_errors import redact_errors, redacting_errors
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.shared_services import opened, run_of_flow, services, tagged
from flows.time_limits import LAST_LIMIT_SECONDS, TimeLimit, limited_run, time_limit
from pipeline.errors import TransientError
from pipeline.identity import OPERATOR, user_id
from pipeline.run_options import RunOptions
from pipeline.store import backlog, dead_runs, registration, run_jobs, runs
from pipeline.store.backlog import Selection
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.lock_order import lock_jobs
from pipeline.store.registration import Source
from pipeline.store.retrying import retry_jobs
from pipeline.store.transitions import Actor
from stages.garbage_collection import collect_garbage
from stages.pipeline_version import services_for_version
from stages.run_lease import record_dead_run
from stages.services import Services

_PAUSE_DAYS = 1 / 24
"""Less is no choice of old documents, but a pause for uploads, for which a run is on its way."""

Backlog = Literal["waiting", "failed", "outdated"]


@task(
    task_run_name="select",
    **UNCACHED,
    **RETRYING,
)
@redacting_errors
@retry_on_restart
async def select_backlog(
    select: Backlog, job_ids: list[UUID] | None, selection: Selection, run_id: UUID
) -> int:
    """Make the selected jobs part of the run, ready to go on; how many there are."""
    parts = services()
    if job_ids is not None:
        count = await _take_up(parts, job_ids, run_id)
    elif select == "waiting":
        count = await _take_up_waiting(parts, selection, run_id)
    elif select == "failed":
        async with parts.database.service() as connection:
            chosen = await backlog.failed(connection, parts.version, selection)
        count = await _take_up(parts, chosen, run_id)
    else:
        async with parts.database.service() as connection:
            found = await backlog.outdated(connection, parts.version, selection)
        count = await _renew(parts, found, run_id)
    get_run_logger().info("%d documents selected (%s)", count, select)
    return count


async def _take_up(parts: Services, chosen: Sequence[UUID], run_id: UUID) -> int:
    who = Actor(parts.worker, run_id)
    async with parts.database.service() as connection:
        await lock_jobs(connection, chosen)
        await retry_jobs(connection, chosen, who)
        await run_jobs.join_run(connection, list(chosen), "waiting", who)
    return len(chosen)


async def _take_up_waiting(parts: Services, selection: Selection, run_id: UUID) -> int:
    """Under the pipeline that they were accepted with where that can be, else under today's."""
    async with parts.database.service() as connection:
        waiting = await backlog.waiting(connection, selection)
    able: list[UUID] = []
    unable: list[UUID] = []
    for version, jobs in waiting.items():
        (unable if services_for_version(parts, version) is None else able).extend(jobs)
    if unable:
        get_run_logger().warning(
            "%d documents were accepted under another parser, chunker or embedder than today's; "
            "they are taken up under today's",
            len(unable),
        )
        async with parts.database.service() as connection:
            sources = await backlog.stored_sources(connection, unable)
        await _renew(parts, sources, run_id)
    return await _take_up(parts, able, run_id) + len(unable)


async def _renew(parts: Services, found: Mapping[UUID, list[Source]], run_id: UUID) -> int:
    """Register stored sources again, under today's pipeline."""
    for user, sources in found.items():
        async with parts.database.service() as connection:
            await registration.register(
                connection, user, sources, parts.version, run_id=run_id, actor=parts.worker
            )
    return sum(map(len, found.values()))


@retry_on_restart
async def _anything_waits(parts: Services, selection: Selection) -> bool:
    async with parts.database.service() as connection:
        return bool(await backlog.waiting(connection, replace(selection, limit=1)))


async def _tidy(parts: Services) -> None:
    """Remove what crashes left in the storage; no document waits for a storage that hangs."""
    try:
        async with time_limit(TimeLimit.TIDYING, parts.settings):
            await collect_garbage(parts)
    except TransientError as error:
        get_run_logger().warning("stored files that nobody names are left for later: %s", error)


@retry_on_restart
async def _settle_dead_runs(parts: Services) -> None:
    """Write down how runs ended that died; what a person had cancelled of them waits for one."""
    async with parts.database.service() as connection:
        dead = await dead_runs.dead_runs(connection)
    for run in dead:
        cancelled = run.flow_run_id is not None and await was_cancelled(run.flow_run_id)
        await record_dead_run(parts, run, cancelled=cancelled)


async def _follow_probe(runner: BatchRunner, selection: Selection) -> None:
    """Work off what was selected; when a service answers again, then all that waited for it."""
    await runner.work_off()
    if runner.stop is None and await _anything_waits(runner.parts, selection):
        await select_backlog("waiting", None, selection, runner.run)


def _run_name() -> str:
    return f"backfill {flow_run.parameters.get('select', 'waiting')}"


@flow(name="backfill", flow_run_name=_run_name, timeout_seconds=LAST_LIMIT_SECONDS, **UNKEPT)
async def backfill(
    select: Backlog = "waiting",
    job_ids: list[UUID] | None = None,
    user: str | None = None,
    older_than_days: float | None = None,
    options: RunOptions | None = None,
    run_id: UUID | None = None,
    limit: int | None = None,
) -> State[Any]:
    """Take up jobs that wait or failed, or documents that an older pipeline version made.

    Args:
        select: `waiting`: accepted and not finished; `failed`: ended with an error or in
            quarantine, tried again; `outdated`: made by another parser, chunker or embedder.
        job_ids: just these jobs, whatever they are.
        user: only this user's documents; everyone's when empty.
        older_than_days: only what has not changed for so many days.
        options: what this run does differently from the settings.
        run_id: names the run in the database; a new one when empty.
        limit: at most so many documents, oldest first.
    """
    options = options or RunOptions()
    run = run_id or run_of_flow()
    owner = user_id(user) if user else None
    selection = Selection(owner, older_than_days, limit)
    kept = None
    if owner is not None:  # Prefect is to know no name
        given = {"select": select, "user": str(owner), "older_than_days": older_than_days}
        jobs = None if job_ids is None else [str(job) for job in job_ids]
        told = options.model_dump(mode="json")
        kept = {
            **given,
            "job_ids": jobs,
            "options": told,
            "run_id": run_id and str(run_id),
            "limit": limit,
        }
    async with redact_errors(), opened(options) as parts, tagged("backfill", kept):
        # Every minute: most of the time there is nothing, and no trace of it is wanted.
        swept = select == "waiting" and job_ids is None and run_id is None
        if swept:
            at_once = (older_than_days or 0) < _PAUSE_DAYS
            selection = replace(selection, orphans_at_once=at_once)
            await _tidy(parts)
            async with time_limit(TimeLimit.LOOK, parts.settings):
                await _settle_dead_runs(parts)
                waits = await _anything_waits(parts, selection)
            if not waits:
                return Completed(name="Nothing waits", message="Every document has ended.")
        async with parts.database.service() as connection:
            await runs.start_run(
                connection,
                run,
                owner or OPERATOR,
                "backfill",
                flow_run_id=UUID(flow_run.id) if flow_run.id else None,
                options={"select": select, "older_than_days": older_than_days},
                max_cost_usd=options.max_cost_usd,
                asked=job_ids is not None,
            )
            await runs.begin_run(connection, run, UUID(flow_run.id) if flow_run.id else None)
        kind = TimeLimit.SWEEP if swept and older_than_days else TimeLimit.BACKFILL
        async with (
            limited_run(parts, run, kind),
            BatchRunner(parts, run, options) as runner,
        ):
            await select_backlog(select, job_ids, selection, run)
            if swept:
                await _follow_probe(runner, selection)
            return await conclude(runner, attended=owner is not None)
