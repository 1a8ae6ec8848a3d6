"""Commands for the set-up itself: doctor, reconcile, reset."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from app.terminal import options
from app.terminal.options import Json

group = typer.Typer()


@group.command()
def doctor(
    json: Json = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="First close what of NAVIGATOR_HOME is open to others.")
    ] = False,
) -> None:
    """Try every part of the set-up, show the protections in force; say how to mend it."""
    from app.cli.main import doctor as doctoring
    from app.doctor.permissions import close
    from app.terminal.console import print_json, say
    from pipeline.settings import load_settings

    closed = close(load_settings().home) if fix else None
    if closed is not None and not json:
        for sentence in closed.sentences():
            say(sentence)
    found = asyncio.run(doctoring.examine())
    if json:
        print_json(doctoring.as_json(found, closed))
    else:
        doctoring.print_findings(found)
    raise typer.Exit(0 if found.fine else 1)


@group.command()
def reconcile(
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what is safe. Without it, only look.")
    ] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="With --fix: mend this kind too, as a person's word."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare storage, database, ledger and Prefect; exit 1 when something is left to mend."""
    from app.cli.main import reconcile as reconciling
    from app.terminal.console import print_json
    from pipeline.settings import load_settings

    kinds = reconciling.named_kinds(also or (), fix=fix)
    looked = reconciling.reconcile(load_settings(), fix=fix, also=kinds)
    if json:
        print_json(reconciling.looked_json(looked))
    else:
        reconciling.print_looked(looked)
    raise typer.Exit(1 if looked.left or looked.run.unlooked else 0)


@group.command()
def reset(yes: options.Yes = False) -> None:
    """Empty the local default: documents, vectors, runs and reports. Asks first."""
    from app.cli.main import reset as resetting
    from app.terminal.confirmation import ask
    from app.terminal.console import say, tell
    from pipeline.settings import load_settings

    settings = load_settings()
    folders = resetting.existing(settings)
    if not folders:
        tell(f"There is nothing in {settings.home}.")
        return
    if not yes:
        for folder in folders:
            say(f"  {folder}")
        megabytes = resetting.size(folders) / 1_000_000
        ask(f"Remove these folders with everything in them ({megabytes:,.0f} MB)?")
    resetting.reset(settings)
    tell(f"Emptied {settings.home}.")
