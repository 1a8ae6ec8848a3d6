"""Commands that take documents in and find them: ingest, plan, search."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from app.terminal import options
from app.terminal.options import Json, User

group = typer.Typer()

if TYPE_CHECKING:
    from app.cli.ingest import IngestRequest


@group.command()
def ingest(
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
    from app.cli.main import ingest as ingesting
    from app.terminal import run_report

    request = ingesting.IngestRequest(
        paths, user, tag or (), parser, embedder, batch_size, concurrency,
        Decimal(str(max_cost)) if max_cost is not None else None, sync, follow_links,
    )  # fmt: skip
    if dry_run:
        _plan(request, json)
        return
    report, found = ingesting.ingest(request)
    raise typer.Exit(run_report.show_run(report, found.skipped, json=json))


def _plan(request: IngestRequest, json: bool) -> None:
    from app.cli.main import plan as planning
    from app.terminal.console import print_json

    made, found = asyncio.run(planning.plan(request))
    if json:
        print_json(planning.as_json(made, found))
    else:
        planning.print_plan(made, found)


@group.command()
def plan(
    paths: options.Paths,
    user: User = None,
    parser: options.Parser = None,
    embedder: options.Embedder = None,
    sync: Annotated[bool, typer.Option("--sync", help="Count what --sync would delete.")] = False,
    follow_links: options.FollowLinks = False,
    password_file: options.PasswordFile = None,
    json: Json = False,
) -> None:
    """Say what an ingest would do and cost, without doing it."""
    from app.cli.ingest import IngestRequest

    request = IngestRequest(paths, user, (), parser, embedder, sync=sync, follow_links=follow_links)
    _plan(request, json)


@group.command()
def search(
    question: Annotated[str, typer.Argument(help="In your own words.")],
    mode: options.Mode = "hybrid",
    limit: options.Limit = 5,
    user: User = None,
    document: Annotated[str | None, typer.Option(help="Only in this document.")] = None,
    tag: options.Tags = None,
    role: options.Roles = None,
    json: Json = False,
) -> None:
    """Find the passages that answer a question."""
    from app.cli.main import search as searching
    from app.terminal.console import print_json
    from pipeline.settings import load_settings

    request = searching.SearchRequest(question, mode, limit, user, document, tag or (), role or ())
    answer = asyncio.run(searching.search(request, load_settings()))
    if json:
        print_json(searching.as_json(request, answer))
    else:
        searching.print_answer(request, answer)
