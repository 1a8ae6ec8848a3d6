"""Commands that change documents that are there: retry, resume, delete, erase."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated

import typer

from app.terminal import options
from app.terminal.options import Json, User

group = typer.Typer()


@group.command()
def retry(
    documents: Annotated[
        list[str] | None, typer.Argument(metavar="DOCUMENT", help="Paths, names or ids.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed.")] = False,
    password_file: options.PasswordFile = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Try failed documents again, from their last good state."""
    from app.cli.main import retry as changing
    from app.terminal import run_report
    from app.terminal.console import print_json, tell
    from pipeline.settings import load_settings

    report = changing.retry(load_settings(), user, documents or (), all_failed=failed)
    if report is not None:
        raise typer.Exit(run_report.show_run(report, {}, json=json))
    if json:
        print_json({"documents": []})
    else:
        tell("No document has failed: nothing to retry.")


@group.command()
def resume(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The start of a run's id.")],
    max_cost: options.MaxCost = None,
    password_file: options.PasswordFile = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Go on with what a cap, an exhausted quota or a person stopped."""
    from app.cli.main import retry as changing
    from app.terminal import run_report
    from pipeline.settings import load_settings

    cap = Decimal(str(max_cost)) if max_cost is not None else None
    report = changing.resume(load_settings(), user, run, cap)
    raise typer.Exit(run_report.show_run(report, {}, json=json))


@group.command()
def delete(
    documents: Annotated[
        list[str], typer.Argument(metavar="DOCUMENT", help="Paths, names or ids.")
    ],
    yes: options.Yes = False,
    user: User = None,
    json: Json = False,
) -> None:
    """Delete documents with everything made of them."""
    from app.cli.main import retry as changing
    from app.terminal.confirmation import ask
    from app.terminal.console import print_json, quantity, tell
    from pipeline.settings import load_settings

    settings = load_settings()
    found = asyncio.run(changing.chosen(settings, user, documents))
    if not yes:
        changing.list_for_deletion(found)
        ask(f"Delete {quantity(len(found), 'document')} for good?")
    done = asyncio.run(changing.delete(settings, found))
    if json:
        print_json({"deleted": sorted(map(str, done.documents)), "chunks": done.chunks})
    else:
        count = quantity(len(done.documents), "document")
        tell(f"Deleted {count} with {quantity(done.chunks, 'passage')}.")


@group.command()
def erase(user: User = None, yes: options.Yes = False, json: Json = False) -> None:
    """Erase a user: documents, files, runs and reports, everything that says something of them."""
    from dataclasses import asdict

    from app.cli.main import retry as changing
    from app.terminal.confirmation import ask
    from app.terminal.console import print_json, quantity, say, tell
    from pipeline.identity import user_id
    from pipeline.settings import load_settings
    from stages.erasing import LEFT

    settings = load_settings()
    named = user or settings.user
    if not yes:
        ask(f"Erase the user {named!r} with every document for good?")
    done = asyncio.run(changing.erase(settings, user_id(named)))
    if json:
        print_json({**asdict(done), "left": LEFT})
        return
    documents, passages = quantity(done.documents, "document"), quantity(done.passages, "passage")
    files, reports = quantity(done.objects, "file"), quantity(done.reports, "report")
    tell(f"Erased {documents} with {passages}, {files} and {reports}.")
    for sentence in LEFT:
        say(sentence)
