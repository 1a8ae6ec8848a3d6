"""Commands that look at what is there: status, list, page, report."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from app.terminal import options
from app.terminal.options import Json, User

group = typer.Typer()


@group.command()
def status(
    document: Annotated[
        str | None, typer.Argument(help="A path, a name, or the start of an id; or a run's id.")
    ] = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Show how the corpus stands, or the whole story of one document."""
    from app.cli.main import status as inspecting
    from app.terminal import document_history as telling
    from app.terminal import run_report
    from app.terminal.console import print_json
    from pipeline.settings import load_settings

    if document is None:
        shown = asyncio.run(inspecting.overview(load_settings(), user))
        if json:
            print_json(inspecting.overview_json(shown))
        else:
            inspecting.print_overview(shown)
        return
    told = asyncio.run(telling.story(load_settings(), user, document))
    if isinstance(told, run_report.RunReport):
        run_report.show_run(told, {}, json=json)
    elif json:
        print_json(telling.story_json(told))
    else:
        telling.print_story(told)


@group.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="published, gaps, failed, waiting, or an exact state.")
    ] = None,
    tag: options.Tags = None,
    limit: options.Limit = 100,
    user: User = None,
    json: Json = False,
) -> None:
    """List documents with their state, version, pages, chunks and tags."""
    from app.cli.main import status as inspecting
    from app.terminal.console import print_json
    from pipeline.settings import load_settings

    shown = asyncio.run(inspecting.listing(load_settings(), user, state, tag or (), limit))
    if json:
        print_json(inspecting.listing_json(shown))
    else:
        inspecting.print_listing(shown)


@group.command()
def page(
    document: Annotated[str, typer.Argument(help="A path, a name, or the start of an id.")],
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="From 1.")] = 1,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write its picture there, as a PNG.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open its picture.")] = False,
    user: User = None,
    json: Json = False,
) -> None:
    """Show what was read of one page, with its notes, and its picture."""
    from app.cli.main import page as showing
    from app.cli.main import report as reporting
    from app.terminal.console import print_json
    from pipeline.settings import load_settings

    draw = output is not None or open_it
    shown = asyncio.run(showing.look(load_settings(), user, document, number, draw=draw))
    if json:
        print_json(showing.page_json(shown.view))
    else:
        showing.print_page(shown.view)
    if shown.picture is not None:
        path = showing.save(shown.picture, output)
        if open_it and reporting.has_desktop():
            reporting.show(path.as_uri())


@group.command()
def report(
    run: Annotated[
        str | None, typer.Option(help="One run: the start of its id, or `last`. Else over time.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to put it.")] = None,
    open_it: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it, where there is a desktop.")
    ] = True,
    user: User = None,
    json: Json = False,
) -> None:
    """Write the data-quality report and open it on a desktop."""
    from app.cli.main import report as reporting
    from app.terminal.console import print_json, tell_path
    from pipeline.settings import load_settings

    path = asyncio.run(reporting.report(load_settings(), user, run, output))
    if json:
        print_json({"report": str(path)})
    else:
        tell_path("The quality report is", path)
    if open_it and not json and reporting.has_desktop():
        reporting.show(path.as_uri())
