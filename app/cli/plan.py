"""`navigator plan` and `ingest --dry-run`: tells what an ingest would do and cost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.ingestion import IngestRequest
from app.terminal import options
from app.terminal.console import (
    answers,
    dollars,
    notes,
    number,
    print_json,
    quantity,
    right,
    short_path,
    table,
    tell,
    text,
)
from app.terminal.found_files import find_and_say, say_left_out
from app.terminal.options import Json, User
from app.terminal.run_report import MOST_ROWS, print_trouble
from app.terminal.skipped_files import links_json, print_links
from pipeline.identity import user_id
from pipeline.run_options import RunOptions
from pipeline.sources import passed_over_files

if TYPE_CHECKING:
    from pipeline.sources import FoundFiles
    from stages.planned_documents import PlannedDocument
    from stages.planning import Plan

_WORDS = {"failed_before": "failed before"}
_COLORS = {"new": "green", "changed": "yellow", "waiting": "yellow", "failed_before": "red"}


async def plan(request: IngestRequest) -> tuple[Plan, FoundFiles]:
    """What an ingest of the same request would do; stores no document and pays nothing.

    Raises:
        UsageError: a path names nothing, or there is nothing to take in.
    """
    from stages.planning import plan as plan_files
    from stages.services import open_services
    from stages.sources.definitions import named_by_url
    from stages.sources.planning import plan_source

    found = find_and_say(request)
    settings = request.options.settings()
    owner = user_id(request.user or settings.user)
    async with open_services(settings) as services:
        with _progress() as progress:
            made = await plan_files(
                services, found, owner, sync=request.options.sync, progress=progress
            )
            for each in await named_by_url(
                services, request.urls, owner, (), request.options.exclude,
                sync=request.options.sync,
            ):  # fmt: skip
                made += await plan_source(services, each)
    return made, found


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("Reading"),
        BarColumn(),
        MofNCompleteColumn(),
        console=notes(),
        transient=True,
        disable=not notes().is_terminal,
    )
    task = bar.add_task("", total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


def show_plan(request: IngestRequest, *, json: bool) -> None:
    """Make the plan and print it."""
    made, found = asyncio.run(plan(request))
    if json:
        print_json(as_json(made, found))
    else:
        print_plan(made, found)


def print_plan(made: Plan, found: FoundFiles) -> None:
    """The plan for a person."""
    rows = [each for each in made.documents if each.outcome != "unchanged"]
    if rows and len(rows) <= MOST_ROWS:
        _print_table(rows)
    for each in [each for each in rows if each.error is not None][:MOST_ROWS]:
        assert each.error is not None
        print_trouble(each.name, f"It would fail: {each.error.message}", each.error.remedy)
    for file in made.rejected[:MOST_ROWS]:
        print_trouble(short_path(file.source), file.message, file.remedy)
    print_links(passed_over_files(found.passed_over))
    counts = Counter(str(each.outcome) for each in made.documents)
    counts["unchanged"] += made.unchanged
    counts["cannot be read"] = len(made.rejected)
    counts["moved"] = made.moved
    counts["would be deleted"] = made.vanished
    parts = [f"{count:,} {_WORDS.get(kind, kind)}" for kind, count in counts.items() if count]
    tell(f"{quantity(len(found.files) + made.in_sources, 'document')}: {', '.join(parts)}.")
    tell(_price(made))
    say_left_out(found)


def _price(made: Plan) -> str:
    chunks = sum(each.chunks for each in made.to_do)
    fresh = sum(each.new_chunks for each in made.to_do)
    tokens = sum(each.tokens for each in made.to_do)
    about = "about " if any(each.estimated for each in made.documents) else ""
    return (
        f"An ingest would embed {about}{fresh:,} of {quantity(chunks, 'chunk')} "
        f"({tokens:,} tokens) for {about}{dollars(made.cost_usd)}; nothing was stored or paid now."
    )


def _print_table(documents: list[PlannedDocument]) -> None:
    shown = table(
        ("Document", {"overflow": "fold"}), ("Would be", {"no_wrap": True}), right("Pages"),
        right("Chunks"), right("New"), right("Tokens"), right("Cost"),
    )  # fmt: skip
    for each in documents:
        kind = str(each.outcome)
        about = "~" if each.estimated else ""
        known = not each.error and kind != "failed_before"
        figures = (each.pages, each.chunks, each.new_chunks, each.tokens)
        shown.add_row(
            text(each.name),
            text("a failure" if each.error else _WORDS.get(kind, kind), _COLORS.get(kind, "")),
            *(about + number(figure) if known else "" for figure in figures),
            about + dollars(each.cost_usd) if known else "",
        )
    answers().print(shown)


def as_json(made: Plan, found: FoundFiles) -> dict[str, Any]:
    """The plan for a program."""
    return {
        "documents": [_document_json(each) for each in made.documents],
        "rejected": [
            {"source": f.source, "code": f.code, "message": f.message, "remedy": f.remedy}
            for f in made.rejected
        ],
        "skipped": found.skipped,
        "passed_over": links_json(passed_over_files(found.passed_over)),
        "would_move": made.moved,
        "would_delete": made.vanished,
        "unchanged_in_sources": made.unchanged,
        "chunks": sum(each.chunks for each in made.to_do),
        "new_chunks": sum(each.new_chunks for each in made.to_do),
        "tokens": sum(each.tokens for each in made.to_do),
        "cost_usd": made.cost_usd,
    }


def _document_json(each: PlannedDocument) -> dict[str, Any]:
    error = each.error
    return {
        "document": each.name,
        "source": each.source,
        "outcome": each.outcome,
        "pages": each.pages,
        "chunks": each.chunks,
        "new_chunks": each.new_chunks,
        "tokens": each.tokens,
        "cost_usd": each.cost_usd,
        "estimated": each.estimated,
        "error": {"code": error.code, "message": error.message, "remedy": error.remedy}
        if error
        else None,
    }


def command(
    paths: options.Paths,
    user: User = None,
    parser: options.Parser = None,
    embedder: options.Embedder = None,
    sync: Annotated[bool, typer.Option("--sync", help="Count what --sync would delete.")] = False,
    follow_links: options.FollowLinks = False,
    exclude: options.Exclude = None,
    password_file: options.PasswordFile = None,
    json: Json = False,
) -> None:
    """Say what an ingest would do and cost, without doing it."""
    wanted = RunOptions(
        parser=parser, embedder=embedder, sync=sync, follow_links=follow_links,
        exclude=exclude or [],
    )  # fmt: skip
    show_plan(IngestRequest(paths, user, (), wanted), json=json)
