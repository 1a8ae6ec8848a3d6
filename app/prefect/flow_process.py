"""Runs a flow in this process: starts what it needs, watches it, shuts it down cleanly."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.prefect.block_server import QUIET, is_named
from app.prefect.interruption import Interruptible
from app.prefect.run_view import RunView
from app.process.log_output import configure_logs
from app.process.tracing import configure_tracing
from app.process.working_folder import leave_folder
from app.stack.status_file import api_of_stack
from pipeline.compute_child import running
from pipeline.errors import ConfigurationError, NavigatorError, TransientError
from pipeline.settings import Settings
from stages.report_links import API_ADDRESS

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from pipeline.store.database_urls import Addresses
    from pipeline.store.runs import Progress

_WAITING = "Another run is under way with our Prefect server; this one begins when it has ended."
_left_open: list[asyncio.Runner] = []
"""Loops of flows that wait for a server that has gone: closing them would wait with them."""


@dataclass(frozen=True, slots=True)
class RunningFlow:
    """A flow to run and to watch.

    Attributes:
        user: whose documents are watched; None for everybody's.
        start: imports the flow and calls it; Prefect is set up by then.
        loads_gate: whether the quality gate will be needed, so that it is loaded meanwhile.
    """

    run_id: UUID
    user: UUID | None
    start: Callable[[], Awaitable[State[Any]]]
    loads_gate: bool = True


def connect(settings: Settings, view: RunView) -> Addresses:
    """Where the database is, after it has been started, if ours, and migrated."""
    from pipeline.store.migrating import prepare
    from stages.services import database_addresses

    embedded = settings.database_url is None and settings.database_block is None
    with view.working("Starting Postgres" if embedded else "Connecting to Postgres"):
        addresses = asyncio.run(database_addresses(settings))
        prepare(
            addresses,
            patience_seconds=settings.database_patience_seconds,
            told=view.say,
            automatic=settings.database_migrations == "automatic",
        )
    return addresses


def run_flow(
    flow: RunningFlow, settings: Settings, addresses: Addresses, view: RunView
) -> BaseException | None:
    """Run a flow to its end while its progress is shown.

    Returns:
        None when it came to its end (documents may have failed in it), else why it did not.

    Raises:
        ServiceUnavailable: there is no Prefect server, and ours does not start.
        KeyboardInterrupt: the person stopped it; claims are released.
    """
    configure_logs(settings, "navigator", console=False)
    configure_tracing(settings, "command")
    _start_prefect(flow, settings, view)
    patience = settings.prefect_patience_seconds
    work = Interruptible(flow.start, flow.run_id, addresses, patience, view.say)
    runner = asyncio.Runner()
    try:
        outcome = runner.run(_watched(flow, work, addresses, view))
    finally:
        if work.is_over:
            runner.close()
        else:
            _left_open.append(runner)
    if isinstance(outcome, NavigatorError):
        return outcome
    return None if outcome.is_completed() else asyncio.run(_outcome(outcome))


async def _outcome(state: State[Any]) -> BaseException:
    outcome = await state.aresult(raise_on_failure=False)
    return outcome if isinstance(outcome, BaseException) else RuntimeError(state.message)


def _start_prefect(flow: RunningFlow, settings: Settings, view: RunView) -> None:
    from app.prefect.server import provide_prefect

    leave_folder()
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if (api := api_of_stack(settings.home.absolute())) is not None:
        os.environ.setdefault(API_ADDRESS, api)  # the run's report links to it
    theirs = is_named()
    if settings.work_pool is not None and not theirs:
        raise ConfigurationError(
            "NAVIGATOR_WORK_POOL needs a Prefect server that its workers can reach.",
            remedy="Set PREFECT_API_URL, or unset NAVIGATOR_WORK_POOL to work in this process.",
        )
    gate = threading.Thread(target=_load_gate, daemon=True)
    # Who hands batches over validates nothing, nor does who has children for it.
    works = flow.loads_gate and settings.work_pool is None
    validates = works and not running()
    what = "Connecting to Prefect" if theirs else "Starting Prefect"
    loading = f"{what} and loading the quality gate" if flow.loads_gate and not theirs else what
    with view.working(loading):
        provide_prefect(
            settings.home,
            waiting=partial(view.say, _WAITING),
            auth_file=settings.prefect_auth_file,
            idle_seconds=settings.engine_idle_seconds,
            meanwhile=partial(
                _import_flows, gate=validates and not theirs, ingest=works and not theirs
            ),
        )
    # A server that is there leaves no time to load the gate in: the flow takes files in meanwhile.
    if validates and theirs:
        gate.start()


def _import_flows(*, gate: bool, ingest: bool) -> None:
    """Import what the flow needs, while a server of ours starts; one after the other.

    Two threads must not import at once.
    """
    if gate:
        _load_gate()
    import prefect  # noqa: F401

    if ingest:
        import flows.ingest  # noqa: F401


def _load_gate() -> None:
    from checks.gate import warm_up

    with suppress(Exception):  # the gate itself says what is wrong with it, as an error
        warm_up()


async def _watched(
    flow: RunningFlow, work: Interruptible, addresses: Addresses, view: RunView
) -> State[Any] | NavigatorError:
    if view.look_seconds is None:
        return await work.run()
    with view.progress() as show:
        watcher = asyncio.create_task(_watch(flow, addresses, show, view.look_seconds))
        try:
            return await work.run()
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher


async def _watch(
    flow: RunningFlow, addresses: Addresses, show: Callable[[Progress], None], seconds: float
) -> None:
    from pipeline.store import runs
    from pipeline.store.engine import Database

    database = Database.at(addresses, pool_size=1)
    try:
        while True:
            await asyncio.sleep(seconds)
            with suppress(TransientError):
                async with database.seeing(flow.user) as connection:
                    show(await runs.progress(connection, flow.run_id))
    finally:
        await database.close()
