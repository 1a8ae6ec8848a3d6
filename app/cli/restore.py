"""`navigator restore`: fills an empty home from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.terminal.options import Json


def command(
    file: Annotated[Path, typer.Argument(help="Made by `navigator backup`.")], json: Json = False
) -> None:
    """Fill an empty home from a backup, and compare it with what was saved."""
    from app.stack.backup_summary import tell_saved
    from app.stack.restore import restore as fill
    from app.terminal.console import working
    from pipeline.settings import load_settings

    settings = load_settings()
    with working("Restoring and comparing"):
        restored = fill(settings, file)
    tell_saved("Restored and compared", restored, json)
