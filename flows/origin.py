"""Tells who started a run: a person in their own process, or somebody through Prefect's server.

And whether it is followed in Prefect's UI, for which a small run has a subflow for each document.

A flow that is called in a person's process reads what that person may read. A run that a worker
picked up was asked for over the network, by anybody who may use the server, and runs as the
worker; of files it reads only what the worker's operator named (`pipeline.roots`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from pipeline.roots import named_roots, require_paths_inside
from pipeline.settings import Settings

_served: ContextVar[bool] = ContextVar("served", default=False)

_followed_elsewhere: ContextVar[bool] = ContextVar("followed_elsewhere", default=False)

_PICKED_UP = "PREFECT__FLOW_RUN_ID"
"""Set by Prefect's own workers in the process that they start for a run."""


@contextmanager
def served() -> Iterator[None]:
    """What runs inside was picked up by a worker that runs it in its own process."""
    token = _served.set(True)
    try:
        yield
    finally:
        _served.reset(token)


@contextmanager
def followed_elsewhere() -> Iterator[None]:
    """Flows called inside are followed where they were called: a terminal, or a program of ours."""
    token = _followed_elsewhere.set(True)
    try:
        yield
    finally:
        _followed_elsewhere.reset(token)


def is_followed_in_the_ui() -> bool:
    """Whether the surrounding flow is, for all we know, followed in Prefect's UI."""
    return not _followed_elsewhere.get()


async def is_called_by_a_person() -> bool:
    """Whether the surrounding flow was called in this process, and so was what called it.

    False as soon as anything says otherwise: the worker, the process, or that this run or one
    that it is a part of belongs to a deployment.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return False
    if _served.get() or _PICKED_UP in os.environ:
        return False
    return not await _is_deployed(context.flow_run)


async def is_scheduled() -> bool:
    """Whether a schedule started the surrounding run, or one that it is a part of."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    while run is not None:
        if run.auto_scheduled:
            return True
        run = await _parent(run) if run.parent_task_run_id else None
    return False


async def _is_deployed(run: FlowRun) -> bool:
    while run.deployment_id is None and run.work_queue_name is None:
        if run.parent_task_run_id is None:
            return False
        parent = await _parent(run)
        if parent is None:
            return True
        run = parent
    return True


async def _parent(run: FlowRun) -> FlowRun | None:
    assert run.parent_task_run_id is not None, "asked of subflows alone"
    async with get_client() as client:
        task_run = await client.read_task_run(run.parent_task_run_id)
        if task_run.flow_run_id is None:
            return None
        return await client.read_flow_run(task_run.flow_run_id)


async def allowed_roots(
    paths: Sequence[str], settings: Settings, *, sources: bool = False
) -> Sequence[Path] | None:
    """Where this run's files have to lie; None: anywhere, for a person called the flow.

    Args:
        sources: the run names sources too, and may do so without any path.

    Raises:
        OutsideRoots: a path leads elsewhere.
    """
    if await is_called_by_a_person():
        return None
    roots = named_roots(settings.ingest_roots)
    if paths or not sources:
        await asyncio.to_thread(require_paths_inside, paths, roots)
    return roots
