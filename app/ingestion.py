"""Ingest: files become published documents through the ingest flow, and a report of its run.

The command line and the Python interface start their runs here; nothing is printed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from app.prefect.flow_process import RunningFlow, connect, run_flow
from app.prefect.interruption import PREFECT_GONE
from app.prefect.run_view import RunView
from app.terminal.console import quantity
from app.terminal.run_report import RunReport, read_run
from pipeline.compute_child import computing_beside, running
from pipeline.errors import NavigatorError, RunStopped, UsageError
from pipeline.identity import user_id
from pipeline.parsing.kinds import SUFFIXES
from pipeline.path_patterns import absolute_pattern
from pipeline.run_options import RunOptions
from pipeline.settings import Settings
from pipeline.source_address import is_url, split_paths
from pipeline.sources import FoundFiles, find_files
from pipeline.states import Stop
from pipeline.store.connection_retries import retry_on_restart

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from pipeline.store.database_urls import Addresses
    from pipeline.store.run_requests import RequestedRun

_MANY = 64
"""Files from which on children that compute are worth their memory."""


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What a person asks an ingest for; None leaves it to the settings."""

    paths: Sequence[str]
    user: str | None = None
    tags: Sequence[str] = ()
    options: RunOptions = field(default_factory=RunOptions)

    @property
    def urls(self) -> list[str]:
        """Those of the paths that are URLs of sources."""
        return split_paths(self.paths)[1]


def find(
    request: IngestRequest,
    settings: Settings,
    told: Callable[[FoundFiles], None] = lambda found: None,
) -> FoundFiles:
    """The files that the paths name; what lies in sources is found by the run.

    Args:
        told: hears what was found, also when there is nothing to take in.

    Raises:
        UsageError: a path names nothing, or there is nothing to take in.
    """
    if request.urls:
        from stages.sources.definitions import address_of

        for url in request.urls:
            address_of(url)
    found = find_files(
        split_paths(request.paths)[0],
        pictures=settings.reads_pictures,
        follow_links=request.options.follow_links,
        exclude=request.options.exclude,
    )
    told(found)
    if not found.files and not request.urls:
        # With --sync this also keeps an unmounted folder from emptying the corpus.
        kinds = ", ".join(sorted(SUFFIXES))
        raise UsageError(
            f"There are no documents in {', '.join(request.paths)}"
            + (f". {left_out(found)}." if found.skipped else "."),
            remedy=f"These types are taken from a folder: {kinds}. Name a file outright to try it.",
        )
    return found


def left_out(found: FoundFiles) -> str:
    """How many files of a folder are of another type, by suffix."""
    kinds = ", ".join(f"{number:,} {suffix}" for suffix, number in sorted(found.skipped.items()))
    others = f"Left out {quantity(sum(found.skipped.values()), 'file')} of another type: {kinds}"
    return f"{others}; pictures are read with NAVIGATOR_OCR=true" if found.pictures else others


def ingest(request: IngestRequest, found: FoundFiles, view: RunView) -> RunReport:
    """Take the files to published documents.

    Args:
        found: the files that the request names, as `find` returns them.

    Raises:
        NavigatorError: it could not begin, or could not go on; what is done is kept.
    """
    settings = request.options.settings()
    owner = user_id(request.user or settings.user)
    run_id = uuid4()
    # the flow runs in another folder
    paths = [path if is_url(path) else absolute_pattern(path) for path in request.paths]
    addresses = connect(settings, view)
    if not asyncio.run(_anything_to_do(request, settings, found, owner, run_id)):
        return asyncio.run(_report(addresses, owner, run_id))

    async def start() -> State[Any]:
        from flows.ingest import ingest
        from pipeline.store.run_requests import RequestedRun

        wanted = RequestedRun(
            owner, tuple(paths), tuple(request.tags), tuple(request.options.exclude)
        )
        await _write_down(addresses, run_id, wanted, request.options.max_cost_usd)
        # Prefect is told ids alone: it could not forget names and paths with their user.
        return await ingest(
            [], options=request.options.without_names(), run_id=run_id, return_state=True
        )

    many = len(found.files) >= _MANY and settings.work_pool is None
    with _children() if many else nullcontext():
        return run_to_report(run_id, owner, start, settings, addresses, view)


@contextmanager
def _children() -> Iterator[None]:
    """Have children compute, so that this process loads neither the gate nor a model."""
    from checks import gate
    from pipeline.parsing.assessment import language

    with computing_beside(gate.warm_up, language.warm_up):
        if running():
            language.let_go()  # they have it; this process has it only from a warm one
        yield


def run_to_report(
    run_id: UUID,
    owner: UUID | None,
    start: Callable[[], Awaitable[State[Any]]],
    settings: Settings,
    addresses: Addresses,
    view: RunView,
) -> RunReport:
    """Run a flow and read what came of it.

    Args:
        owner: whose documents are told of; None for everybody's.

    Raises:
        NavigatorError: it stopped before it worked on any document.
    """

    async def followed() -> State[Any]:
        from flows.origin import followed_elsewhere

        with followed_elsewhere():
            return await start()

    try:
        trouble = run_flow(RunningFlow(run_id, owner, followed), settings, addresses, view)
    except KeyboardInterrupt:
        asyncio.run(_close(addresses, run_id))
        raise
    if isinstance(trouble, NavigatorError) and trouble.code == PREFECT_GONE:
        asyncio.run(_give_up(addresses, run_id, trouble))
    report = asyncio.run(_report(addresses, owner, run_id))
    if trouble is None or isinstance(trouble, RunStopped):
        return report
    if not isinstance(trouble, NavigatorError) or isinstance(trouble, UsageError):
        raise trouble
    if not report.documents:
        raise trouble
    if report.all_fine:
        view.say(trouble.message, "yellow")
        return report
    view.say(f"Not everything could be finished. {trouble.message}", "yellow")
    view.say("Run it again later; it goes on where it stopped.")
    return report


async def _give_up(addresses: Addresses, run_id: UUID, why: NavigatorError) -> None:
    """Write down that the run has ended: its flow could not."""
    from pipeline.store import runs
    from pipeline.store.engine import Database

    database = Database.at(addresses, pool_size=1)
    try:
        async with database.service() as connection:
            await runs.finish_run(connection, run_id, why.message)
    finally:
        await database.close()


@retry_on_restart
async def _write_down(
    addresses: Addresses, run_id: UUID, wanted: RequestedRun, cap: Decimal | None
) -> None:
    from pipeline.store.engine import Database
    from pipeline.store.run_requests import request_run

    database = Database.at(addresses, pool_size=1)
    try:
        async with database.service() as connection:
            await request_run(connection, run_id, wanted, cap)
    finally:
        await database.close()


@retry_on_restart
async def _close(addresses: Addresses, run_id: UUID) -> None:
    """Write down that a person stopped the run: what is left of it waits for a person."""
    from pipeline.store import runs, stops
    from pipeline.store.engine import Database
    from pipeline.store.transitions import Actor

    database = Database.at(addresses, pool_size=1)
    try:
        async with database.service() as connection:
            why, who = "A person stopped the run.", Actor("person", run_id)
            await stops.stop_run(connection, Stop.PERSON, who, why)
            await runs.finish_run(connection, run_id, why)
    finally:
        await database.close()


@retry_on_restart
async def _report(addresses: Addresses, owner: UUID | None, run_id: UUID) -> RunReport:
    from pipeline.store.engine import Database

    database = Database.at(addresses, pool_size=1)
    try:
        async with database.seeing(owner) as connection:
            return await read_run(connection, run_id)
    finally:
        await database.close()


@retry_on_restart
async def _anything_to_do(
    request: IngestRequest, settings: Settings, found: FoundFiles, owner: UUID, run_id: UUID
) -> bool:
    """Whether a flow is needed; if not, the run is written down without one, in a second."""
    from stages import planning, syncing
    from stages.services import open_services

    async with open_services(settings) as services:
        if request.options.sync:
            await syncing.take_moves(services, owner, found, run_id)
        if request.urls:
            return True  # only a look at the sources says
        if await planning.needs_work(services, found, owner):
            return True
        await planning.record_unchanged(
            services, found, owner, run_id, list(request.tags), sync=request.options.sync
        )
    return False
