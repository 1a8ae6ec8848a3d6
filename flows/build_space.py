"""Builds an embedding space beside the one that answers; it goes on where an earlier run died."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from prefect import flow, task
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.artifact_writes import shown
from flows.redacted_errors import redact_errors, redacting_errors
from flows.results import UNCACHED, UNKEPT
from flows.shared_services import opened, run_of_flow, services, tagged
from flows.time_limits import LAST_LIMIT_SECONDS, TimeLimit, limited_run
from pipeline.errors import RunStopped
from pipeline.run_options import RunOptions
from pipeline.store import embedding_spaces, space_backlog
from pipeline.store.space_pointer import StoredSpace
from stages.spaces import build_runs
from stages.spaces.build_runs import SpaceRun


@task(task_run_name="fill", **UNCACHED)
@redacting_errors
async def fill_space(space_id: UUID, run_id: UUID, cap: Decimal | None) -> SpaceRun:
    """Embed what the space lacks; each text once, whoever asks for it."""
    parts = services()
    space = await build_runs.stored_space(parts, space_id)
    async with parts.database.service() as connection:
        all_of_it = await space_backlog.count(connection, space_id)
    what = "Documents that are in the new space"
    bar = await shown(acreate_progress_artifact(0.0, key="space", description=what))

    async def show(left: int) -> None:
        if bar is not None and all_of_it:
            share = 100.0 * max(0, all_of_it - left) / all_of_it
            await shown(aupdate_progress_artifact(bar, share))

    itself = UUID(flow_run.id) if flow_run.id else None
    return await build_runs.run_fill(parts, space, run_id, cap=cap, flow_run=itself, progress=show)


@task(task_run_name="index", **UNCACHED)
@redacting_errors
async def index_space(space: StoredSpace) -> None:
    """Build the space's vector index, beside readers and writers."""

    async def unheard(share: float) -> None:
        """Nobody watches."""

    database = services().database
    await embedding_spaces.build_index(database, space.id, space.dimension, unheard)


@flow(name="build-space", flow_run_name="build space", timeout_seconds=LAST_LIMIT_SECONDS, **UNKEPT)
async def build_space(
    space_id: UUID, max_cost_usd: Decimal | None = None, run_id: UUID | None = None
) -> State[Any]:
    """Embed every published document in a space that `navigator space build` has begun.

    Questions are answered from the space before, until `navigator space switch`. What is published
    meanwhile gets into both.

    Args:
        space_id: as `navigator space list` shows it.
        max_cost_usd: the run stops cleanly before it spends more than this.
        run_id: names the run in the database.
    """
    run = run_id or run_of_flow()
    async with (
        redact_errors(),
        opened(RunOptions()) as parts,
        tagged("space"),
        limited_run(parts, run, TimeLimit.BACKFILL),
    ):
        done = await fill_space(space_id, run, max_cost_usd)
        space = await build_runs.stored_space(parts, space_id)
        if await build_runs.needs_index(parts, space):
            await index_space(space)
        return ending(done)


def ending(done: SpaceRun) -> State[Any]:
    """How a run ended, for Prefect."""
    said = f"{done.texts} texts embedded for ${done.usd:.4f}; {done.left} documents left"
    get_run_logger().info("%s", said)
    if isinstance(done.stopped, RunStopped):
        return Completed(name="Stopped", message=f"{said}. {done.stopped.message}", data=done)
    if done.stopped is not None:
        return Failed(message=f"{said}. {done.stopped.message}", data=done.stopped)
    name = "Some texts refused" if done.refused else None
    return Completed(name=name, message=said, data=done)
