"""Backfill: work off what waits, what failed, or what an older pipeline version made.

It selects by state, so it can be stopped and started at any time: what is done is not selected
again. Scheduled nightly over what waits, it is the sweep that loses nothing when Prefect was gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID, uuid4

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from blocks.assembly import Services
from flows.context import IngestOptions, opened, services, tagged
from flows.ingest import work_off
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.stages.removing import tidy
from flows.unquoted import unquoted, without_words
from pipeline.identity import OPERATOR, user_id
from pipeline.store import backlog, registration, runs
from pipeline.store.backlog import Selection
from pipeline.store.retrying import retry_jobs
from pipeline.store.transitions import Actor

Backlog = Literal["waiting", "failed", "outdated"]


@task(
    task_run_name="select",
    **UNCACHED,
    **RETRYING,
)
@unquoted
async def select_backlog(
    select: Backlog, job_ids: list[UUID] | None, selection: Selection, run_id: UUID
) -> int:
    """Make the selected jobs part of the run, ready to go on; how many there are."""
    parts = services()
    if select == "outdated":
        count = await _renew_outdated(parts, selection, run_id)
    else:
        count = await _take_up(parts, select, job_ids, selection, run_id)
    get_run_logger().info("%d documents selected (%s)", count, select)
    return count


async def _take_up(
    parts: Services,
    select: Backlog,
    job_ids: Sequence[UUID] | None,
    selection: Selection,
    run_id: UUID,
) -> int:
    async with parts.database.service() as connection:
        if job_ids is not None:
            chosen = list(job_ids)
        elif select == "waiting":
            chosen = await backlog.waiting(connection, parts.version, selection)
        else:
            chosen = await backlog.failed(connection, parts.version, selection)
        await retry_jobs(connection, chosen, Actor(parts.worker, run_id))
        await runs.join_run(connection, run_id, chosen, "waiting")
    return len(chosen)


async def _renew_outdated(parts: Services, selection: Selection, run_id: UUID) -> int:
    async with parts.database.service() as connection:
        found = await backlog.outdated(connection, parts.version, selection)
        for user, sources in found.items():
            await registration.register(
                connection, user, sources, parts.version, run_id=run_id, actor=parts.worker
            )
    return sum(map(len, found.values()))


async def _anything_waits(parts: Services, selection: Selection) -> bool:
    async with parts.database.service() as connection:
        return bool(await backlog.waiting(connection, parts.version, replace(selection, limit=1)))


def _run_name() -> str:
    return f"backfill {flow_run.parameters.get('select', 'waiting')}"


@flow(name="backfill", flow_run_name=_run_name, **UNKEPT)
async def backfill(
    select: Backlog = "waiting",
    job_ids: list[UUID] | None = None,
    user: str | None = None,
    older_than_days: float | None = None,
    options: IngestOptions | None = None,
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
    options = options or IngestOptions()
    run = run_id or uuid4()
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
    async with without_words(), opened(options) as parts, tagged("backfill", kept):
        # Every minute: most of the time there is nothing, and no trace of it is wanted.
        swept = select == "waiting" and job_ids is None and run_id is None
        if swept:
            await tidy(parts)
            if not await _anything_waits(parts, selection):
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
            )
        await select_backlog(select, job_ids, selection, run)
        return await work_off(parts, run, options, attended=owner is not None)
