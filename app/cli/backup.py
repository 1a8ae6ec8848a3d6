"""`navigator backup`: saves the local default to one file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from app.terminal.options import Json


def command(
    file: Annotated[
        Path | None, typer.Argument(help="Where to; by itself a name with the time, here.")
    ] = None,
    json: Json = False,
) -> None:
    """Save the local database and the stored files to one file; the system may run."""
    from app.stack.backup import backup as save
    from app.stack.backup_summary import tell_saved
    from app.terminal.console import working
    from pipeline.settings import load_settings

    path = file or Path(time.strftime("navigator-%Y%m%d-%H%M%S.backup"))
    settings = load_settings()
    with working("Saving"):
        saved = save(settings, path)
    tell_saved("Saved", saved, json)
