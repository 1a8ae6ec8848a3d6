"""`navigator ingest`: a run from the first look at the files to its report."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import typer

from app.prefect.flow_process import RunningFlow, connect, run_flow
from app.prefect.interruption import PREFECT_GONE
from app.terminal import options
from app.terminal.console import quantity, say
from app.terminal.options import Json, User
from app.terminal.run_report import RunReport, read_run, show_run
from app.terminal.skipped_files import say_links
from pipeline.errors import NavigatorError, RunStopped, UsageError
from pipeline.identity import user_id
from pipeline.parsing.kinds import SUFFIXES
from pipeline.path_patterns import absolute_pattern
from pipeline.settings import Settings, load_settings
from pipeline.sources import FoundFiles, find_files
from pipeline.states import Stop
from pipeline.store.connection_retries import retry_on_restart

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from flows.shared_services import IngestOptions
    from pipeline.store.database_urls import Addresses
    from pipeline.store.run_requests import RequestedRun


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What a person asked for on the command line; None leaves it to the settings."""

    paths: Sequence[str]
    user: str | None = None
    tags: Sequence[str] = ()
    parser: str | None = None
    embedder: str | None = None
    batch_size: int | None = None
    concurrency: int | None = None
    max_cost_usd: Decimal | None = None
    sync: bool = False
    follow_links: bool = False

    def settings(self) -> Settings:
        """The settings with what was asked for on top."""
        return load_settings(
            parser=self.parser,
            embedder=self.embedder,
            batch_size=self.batch_size,
            concurrency=self.concurrency,
        )

    def options(self) -> IngestOptions:
        """What was asked for, as the flow takes it; imports Prefect."""
        from flows.shared_services import IngestOptions

        return IngestOptions.model_validate(
            {
                "parser": self.parser,
                "embedder": self.embedder,
                "batch_size": self.batch_size,
                "concurrency": self.concurrency,
                "max_cost_usd": self.max_cost_usd,
                "sync": self.sync,
                "follow_links": self.follow_links,
            }
        )


def look(request: IngestRequest) -> FoundFiles:
    """The files that the paths name.

    Raises:
        UsageError: a path names nothing, or there is nothing to take in.
    """
    found = find_files(
        request.paths,
        pictures=request.settings().reads_pictures,
        follow_links=request.follow_links,
    )
    say_links(found, sync=request.sync)
    if not found.files:
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


def ingest(request: IngestRequest) -> tuple[RunReport, FoundFiles]:
    """Take the files to published documents.

    Raises:
        NavigatorError: it could not begin, or could not go on; what is done is kept.
    """
    found = look(request)
    settings = request.settings()
    owner = user_id(request.user or settings.user)
    run_id = uuid4()
    paths = [absolute_pattern(path) for path in request.paths]  # the flow runs in another folder
    if found.skipped:
        say(f"{left_out(found)}.")
    addresses = connect(settings)
    if not asyncio.run(_anything_to_do(request, settings, found, owner, run_id)):
        return asyncio.run(_report(addresses, owner, run_id)), found

    async def start() -> State[Any]:
        from flows.ingest import ingest
        from pipeline.store.run_requests import RequestedRun

        wanted = RequestedRun(owner, tuple(paths), tuple(request.tags))
        await _write_down(addresses, run_id, wanted, request.max_cost_usd)
        # Prefect is told ids alone: it could not forget names and paths with their user.
        return await ingest([], options=request.options(), run_id=run_id, return_state=True)

    return run_to_report(run_id, owner, start, settings, addresses), found


def run_to_report(
    run_id: UUID,
    owner: UUID,
    start: Callable[[], Awaitable[State[Any]]],
    settings: Settings,
    addresses: Addresses,
) -> RunReport:
    """Run a flow and read what came of it.

    Raises:
        NavigatorError: it stopped before it worked on any document.
    """
    try:
        trouble = run_flow(RunningFlow(run_id, owner, start), settings, addresses)
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
        say(trouble.message, "yellow")
        return report
    say(f"Not everything could be finished. {trouble.message}", "yellow")
    say("Run it again later; it goes on where it stopped.")
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
async def _report(addresses: Addresses, owner: UUID, run_id: UUID) -> RunReport:
    from pipeline.store.engine import Database

    database = Database.at(addresses, pool_size=1)
    try:
        async with database.reader(owner) as connection:
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
        if request.sync:
            await syncing.take_moves(services, owner, found, run_id)
        if await planning.needs_work(services, found, owner):
            return True
        await planning.record_unchanged(
            services, found, owner, run_id, list(request.tags), sync=request.sync
        )
    return False


def command(
    paths: options.Paths,
    user: User = None,
    parser: options.Parser = None,
    embedder: options.Embedder = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Documents in a subflow.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=64, help="Subflows at a time.")
    ] = None,
    tag: options.Tags = None,
    max_cost: options.MaxCost = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Delete documents whose files are gone.")
    ] = False,
    follow_links: options.FollowLinks = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would do, as `plan`.")
    ] = False,
    password_file: options.PasswordFile = None,
    json: Json = False,
) -> None:
    """Take files, folders or globs to published, searchable documents."""
    request = IngestRequest(
        paths, user, tag or (), parser, embedder, batch_size, concurrency,
        Decimal(str(max_cost)) if max_cost is not None else None, sync, follow_links,
    )  # fmt: skip
    if dry_run:
        from app.cli.plan import show_plan

        show_plan(request, json=json)
        return
    report, found = ingest(request)
    raise typer.Exit(show_run(report, found.skipped, json=json))
