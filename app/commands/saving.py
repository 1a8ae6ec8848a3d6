"""Commands for the local default's data: seed, backup, restore."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.terminal.options import Json, User

group = typer.Typer()

if TYPE_CHECKING:
    from app.stack.saving import Saved

SAMPLES = Path(__file__).parents[2] / "samples" / "files"


@group.command()
def seed(user: User = None, json: Json = False) -> None:
    """Take in the samples, so that there is something to look at: fifteen documents."""
    from app.cli.main import ingest as ingesting
    from app.terminal import run_report
    from app.terminal.console import say
    from pipeline.errors import UsageError

    if not SAMPLES.is_dir():
        raise UsageError("The samples are not here.", remedy="Run this from a checkout.")
    report, found = ingesting.ingest(ingesting.IngestRequest([str(SAMPLES)], user, ("samples",)))
    run_report.show_run(report, found.skipped, json=json)
    if not json:
        say("The scanned, the broken and the encrypted file are meant to fail: each says why.")


@group.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="Where to; by itself a name with the time, here.")
    ] = None,
    json: Json = False,
) -> None:
    """Save the local database and the stored files to one file; the system may run."""
    from app.stack.saving import backup as save
    from app.terminal.console import working
    from pipeline.settings import load_settings

    path = file or Path(time.strftime("navigator-%Y%m%d-%H%M%S.backup"))
    settings = load_settings()
    with working("Saving"):
        saved = save(settings, path)
    _tell("Saved", saved, json)


@group.command()
def restore(
    file: Annotated[Path, typer.Argument(help="Made by `navigator backup`.")], json: Json = False
) -> None:
    """Fill an empty home from a backup, and compare it with what was saved."""
    from app.stack.restoring import restore as fill
    from app.terminal.console import working
    from pipeline.settings import load_settings

    settings = load_settings()
    with working("Restoring and comparing"):
        restored = fill(settings, file)
    _tell("Restored and compared", restored, json)


def _tell(what: str, saved: Saved, json: bool) -> None:
    from dataclasses import asdict

    from app.terminal.console import print_json, quantity, say, tell_path

    if json:
        print_json(asdict(saved))
        return
    tell_path(
        f"{what} {quantity(saved.documents, 'document')}, {quantity(saved.passages, 'passage')} "
        f"and {quantity(saved.objects, 'stored file')} ({saved.size / 1_000_000:,.1f} MB):",
        saved.path,
    )
    if saved.missing:
        say(f"{quantity(saved.missing, 'file')} had been deleted meanwhile.", "yellow")
