"""`navigator ingest`: a run from the first look at the files to its report."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from app import ingestion
from app.ingestion import IngestRequest
from app.process.environment import leave_nothing_running
from app.terminal import options
from app.terminal.found_files import find_and_say, say_left_out
from app.terminal.options import Json, User
from app.terminal.run_report import RunReport, show_run
from app.terminal.run_view import TerminalView
from pipeline.run_options import RunOptions
from pipeline.sources import FoundFiles


def ingest(request: IngestRequest) -> tuple[RunReport, FoundFiles]:
    """Take the files to published documents, and show how far it is.

    Raises:
        NavigatorError: it could not begin, or could not go on; what is done is kept.
    """
    found = find_and_say(request)
    say_left_out(found)
    return ingestion.ingest(request, found, TerminalView()), found


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
    exclude: options.Exclude = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would do, as `plan`.")
    ] = False,
    no_daemon: Annotated[
        bool, typer.Option("--no-daemon", help="Leave nothing running for the next command.")
    ] = False,
    password_file: options.PasswordFile = None,
    json: Json = False,
) -> None:
    """Take files, folders or globs to published, searchable documents."""
    if no_daemon:
        leave_nothing_running()
    wanted = RunOptions(
        parser=parser, embedder=embedder, batch_size=batch_size, concurrency=concurrency,
        max_cost_usd=Decimal(str(max_cost)) if max_cost is not None else None,
        sync=sync, follow_links=follow_links, exclude=exclude or [],
    )  # fmt: skip
    request = IngestRequest(paths, user, tag or (), wanted)
    if dry_run:
        from app.cli.plan import show_plan

        show_plan(request, json=json)
        return
    report, found = ingest(request)
    raise typer.Exit(show_run(report, found.skipped, json=json))
