"""Shares services: opened once in a process, and found by a flow's tasks.

Clients are never a task's argument; a task asks `services()`. A subflow that runs in a process of
its own opens its own.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from prefect import tags
from prefect.client.orchestration import get_client
from prefect.context import TagsContext
from prefect.runtime import flow_run

from pipeline.run_options import RunOptions
from stages.services import Services, open_services
from stages.spaces.following import following

_open: ContextVar[Services | None] = ContextVar("open_services", default=None)
_lent: ContextVar[Services | None] = ContextVar("lent_services", default=None)


@cache
def _settle() -> None:
    """Once a process: what the imports left stays for good, so the collector need not look at it.

    Each full collection of a run would otherwise stop it for a third of a second.
    """
    gc.freeze()


@asynccontextmanager
async def opened(options: RunOptions) -> AsyncIterator[Services]:
    """Open services: those of the surrounding flow, shared ones, or new ones for this block."""
    if (around := _open.get()) is not None:
        yield around
        return
    settings, lent = options.settings(), _lent.get()
    if lent is not None and lent.settings == settings:
        lent = await following(lent)
        with _found_by_tasks(lent):
            yield lent
        return
    async with open_services(settings) as fresh:
        _settle()
        with _found_by_tasks(fresh):
            yield fresh


@contextmanager
def share_services(parts: Services) -> Iterator[None]:
    """Share services with flows that begin inside and have the same settings.

    Not when a block is named: it may be changed on the server at any time, and each run reads it.
    """
    named = parts.settings
    blocks = (
        named.database_block, named.storage_block, named.parser_block, named.embedder_block
    )  # fmt: skip
    token = _lent.set(None if any(blocks) else parts)
    try:
        yield
    finally:
        _lent.reset(token)


@contextmanager
def _found_by_tasks(parts: Services) -> Iterator[None]:
    token = _open.set(parts)
    try:
        yield
    finally:
        _open.reset(token)


def run_of_flow() -> UUID:
    """The id of a run that nobody named: the flow run's own, which stays after a restart.

    What the run has spent of its cap is thus not forgotten.
    """
    return UUID(flow_run.id) if flow_run.id else uuid4()


@contextmanager
def using(parts: Services) -> Iterator[None]:
    """Have flows and tasks that begin inside use these services."""
    with _found_by_tasks(parts):
        yield


@asynccontextmanager
async def tagged(tag: str, parameters: dict[str, Any] | None = None) -> AsyncIterator[None]:
    """Tag the surrounding flow run and its subflow runs, to find them by in the UI.

    Args:
        parameters: what Prefect is to keep of the flow run's, in the place of what it was given;
            begun once more, the flow gets these.
    """
    if flow_run.id:
        async with get_client() as client:
            await client.update_flow_run(
                UUID(flow_run.id), parameters=parameters, tags=sorted({*flow_run.tags, tag})
            )
    with tags(tag):
        yield


@asynccontextmanager
async def untagged_tasks() -> AsyncIterator[None]:
    """Keep task runs in here from inheriting the flow run's tags.

    Prefect asks its server for a concurrency limit for each tagged task run, and a batch has six.
    """
    with TagsContext(current_tags=set()):
        yield


def services() -> Services:
    """The open services, for a task."""
    found = _open.get()
    if found is None:
        raise RuntimeError("A task was called outside a flow that has opened the services.")
    return found
