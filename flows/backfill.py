"""Backfills: works off what waits, what failed, or what an older pipeline version made.

What it chose is its own from then on, so it can be stopped, paused, killed and started again at any
time. Without a choice, over what waits, it is the sweep that loses nothing when Prefect was gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.arguments import quoted
from flows.artifact_writes import shown
from flows.batch_runner import BatchRunner
from flows.cancellation import was_cancelled
from flows.ingest import conclude
from flows.quiet_runs import remove_quiet_runs
from flows.redacted_errors import redact_errors, redacting_errors
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.shared_services import opened, run_of_flow, services, tagged
from flows.time_limits import LAST_LIMIT_SECONDS, TimeLimit, limited_run, time_limit
from pipeline.backfill_choice import BackfillChoice, Select
from pipeline.errors import TransientError
from pipeline.identity import OPERATOR, user_id
from pipeline.run_options import RunOptions
from pipeline.store import backlog, dead_runs, registration, run_jobs, runs
from pipeline.store.backlog import Selection
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.lock_order import lock_jobs
from pipeline.store.retrying import retry_jobs
from pipeline.store.transitions import Actor
from stages import backfilling
from stages.backfill_runs import BegunBackfill, begin_backfill
from stages.backfilling import BackfillOrder
from stages.garbage_collection import collect_garbage
from stages.pipeline_version import services_for_version
from stages.run_lease import record_dead_run
from stages.services import Services

NOTHING_WAITS = "Nothing waits"
_PAUSE_DAYS = 1 / 24
"""Less is no choice of old documents, but a pause for uploads, for which a run is on its way."""


@task(task_run_name="select", **UNCACHED, **RETRYING)
@redacting_errors
@retry_on_restart
async def take_up(job_ids: list[UUID], run_id: UUID) -> None:
    """Make these jobs part of the run, ready to go on."""
    await _take_up(services(), job_ids, run_id)
    get_run_logger().info("%d documents selected", len(job_ids))


@task(task_run_name="select", **UNCACHED, **RETRYING)
@redacting_errors
@retry_on_restart
async def take_up_waiting(selection: Selection, run_id: UUID) -> None:
    """The same for what waits and nobody works on."""
    count = await _take_up_waiting(services(), selection, run_id)
    get_run_logger().info("%d documents selected (waiting)", count)


@task(task_run_name="select", **UNCACHED, **RETRYING)
@redacting_errors
async def select_documents(order: BackfillOrder, run_id: UUID) -> None:
    """Make every document that fits part of the run, ready to go on."""
    count = await backfilling.take_up(services(), order, run_id)
    get_run_logger().info("%d documents selected (%s)", count, order.select)


async def _take_up(parts: Services, chosen: Sequence[UUID], run_id: UUID) -> None:
    who = Actor(parts.worker, run_id)
    async with parts.database.service() as connection:
        await lock_jobs(connection, chosen)
        await retry_jobs(connection, chosen, who)
        await run_jobs.join_run(connection, list(chosen), "waiting", who)


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
            stored = await backlog.stored_sources(connection, unable)
        for user, sources in stored.items():
            async with parts.database.service() as connection:
                await registration.register(
                    connection, user, sources, parts.version, run_id=run_id, actor=parts.worker
                )
    await _take_up(parts, able, run_id)
    return len(able) + len(unable)


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
        await take_up_waiting(selection, runner.run)


def _run_name() -> str:
    return f"backfill {flow_run.parameters.get('select', 'waiting')}"


@flow(name="backfill", flow_run_name=_run_name, timeout_seconds=LAST_LIMIT_SECONDS, **UNKEPT)
async def backfill(
    select: Select = "waiting",
    choice: BackfillChoice = BackfillChoice(),  # noqa: B008 - frozen, and Prefect shows it
    job_ids: list[UUID] | None = None,
    user: str | None = None,
    older_than_days: float | None = None,
    options: RunOptions | None = None,
    run_id: UUID | None = None,
    limit: int | None = None,
    resume: bool = False,
) -> State[Any]:
    """Take up documents again: those that wait or failed, or that today's pipeline or suites
    would make or judge otherwise.

    Args:
        select: `chosen`: what the filters say; `waiting`: accepted and not finished; `failed`:
            ended with an error or in quarantine; `outdated`: made by another parser, chunker or
            embedder; `gaps`: published with gaps, read once more; `rejudge`: judged by other
            suites; `nightly`: what nothing else takes up.
        choice: filters, all of which have to fit.
        job_ids: just these jobs, whatever they are.
        user: only this user's documents; everyone's when empty.
        older_than_days: only what has not changed for so many days.
        options: what this run does differently from the settings; the cap holds for all of it.
        run_id: names the run in the database. One that is there already goes on with what it
            chose, and one that was paused stays paused.
        limit: at most so many documents, oldest first.
        resume: have the paused backfill that `run_id` names go on.
    """
    options = options or RunOptions()
    run = run_id or run_of_flow()
    owner = user_id(user) if user else None
    async with redact_errors(), opened(options) as parts:
        if job_ids is not None:
            return await _named_jobs(parts, run, owner, job_ids, options)
        if select == "waiting" and choice.is_empty and run_id is None:
            return await _sweep(parts, run, Selection(owner, older_than_days, limit), options)
        order = BackfillOrder(select, choice, owner, older_than_days, limit)
        begun = await begin_backfill(parts, run, order, options, _flow_run(), resume=resume)
        return await _backfill(parts, begun, options)


def _flow_run() -> UUID | None:
    return UUID(flow_run.id) if flow_run.id else None


async def _backfill(parts: Services, begun: BegunBackfill, options: RunOptions) -> State[Any]:
    """Choose what fits, unless that is done, and work it off."""
    order, run = begun.order, begun.run_id
    # From here on our database knows what it is about: Prefect is to know no names.
    async with tagged("backfill", _kept(order.select, run, order.user_id, options)):
        if begun.ending is not None:
            return Completed(name=begun.ending[0], message=begun.ending[1])
        async with (
            limited_run(parts, run, TimeLimit.BACKFILL),
            BatchRunner(parts, run, options, pausable=True) as runner,
        ):
            if not begun.selected:
                await select_documents(quoted(order), run)
            return await conclude(runner, attended=order.user_id is not None)


def _kept(select: str, run: UUID, user: UUID | None, options: RunOptions) -> dict[str, Any]:
    return {
        "select": select,
        "user": str(user) if user else None,
        "options": options.without_names().model_dump(mode="json"),
        "run_id": str(run),
    }


async def _named_jobs(
    parts: Services, run: UUID, owner: UUID | None, job_ids: list[UUID], options: RunOptions
) -> State[Any]:
    """Work off jobs that a person named."""
    kept = _kept("waiting", run, owner, options) | {"job_ids": [str(job) for job in job_ids]}
    async with tagged("backfill", kept if owner else None):
        await _start(parts, run, owner, options, asked=True)
        async with (
            limited_run(parts, run, TimeLimit.BACKFILL),
            BatchRunner(parts, run, options) as runner,
        ):
            await take_up(job_ids, run)
            return await conclude(runner, attended=owner is not None)


async def _sweep(
    parts: Services, run: UUID, selection: Selection, options: RunOptions
) -> State[Any]:
    """Work off what waits and nobody works on; leave no trace when there is nothing.

    Of the schedule's runs that found nothing one at most stands between the others.
    """
    owner = selection.user_id
    kept = None
    if owner is not None:
        kept = {
            "select": "waiting", "user": str(owner), "limit": selection.limit,
            "older_than_days": selection.older_than_days,
            "options": options.without_names().model_dump(mode="json"),
        }  # fmt: skip
    async with tagged("backfill", kept):
        at_once = (selection.older_than_days or 0) < _PAUSE_DAYS
        selection = replace(selection, orphans_at_once=at_once)
        await _tidy(parts)
        async with time_limit(TimeLimit.LOOK, parts.settings):
            await _settle_dead_runs(parts)
            waits = await _anything_waits(parts, selection)
        if not waits:
            await shown(remove_quiet_runs("backfill", NOTHING_WAITS, scheduled=True))
            return Completed(name=NOTHING_WAITS, message="Every document has ended.")
        await _start(parts, run, owner, options, asked=False)
        kind = TimeLimit.SWEEP if selection.older_than_days else TimeLimit.BACKFILL
        async with limited_run(parts, run, kind), BatchRunner(parts, run, options) as runner:
            await take_up_waiting(selection, run)
            await _follow_probe(runner, selection)
            return await conclude(runner, attended=owner is not None)


async def _start(
    parts: Services, run: UUID, owner: UUID | None, options: RunOptions, *, asked: bool
) -> None:
    async with parts.database.service() as connection:
        await runs.start_run(
            connection,
            run,
            owner or OPERATOR,
            "backfill",
            flow_run_id=_flow_run(),
            options={"select": "waiting"},
            max_cost_usd=options.max_cost_usd,
            asked=asked,
        )
        await runs.begin_run(connection, run, _flow_run())
