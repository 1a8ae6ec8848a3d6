"""Commands for the set-up itself: doctor, reset."""

from __future__ import annotations

import asyncio

import typer

from app import options
from app.options import Json

group = typer.Typer()


@group.command()
def doctor(json: Json = False) -> None:
    """Try every part of the set-up; say how to mend it."""
    from app import doctor as doctoring
    from app.console import print_json

    findings = asyncio.run(doctoring.examine())
    if json:
        print_json(doctoring.as_json(findings))
    else:
        doctoring.print_findings(findings)
    raise typer.Exit(0 if doctoring.fine(findings) else 1)


@group.command()
def reset(yes: options.Yes = False) -> None:
    """Empty the local default: documents, vectors, runs and reports. Asks first."""
    from app import resetting
    from app.asking import ask
    from app.console import say, tell
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
