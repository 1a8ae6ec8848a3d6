"""Summarizes what `navigator backup` and `navigator restore` have saved."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from app.terminal.console import print_json, quantity, say, tell_path

if TYPE_CHECKING:
    from app.stack.backup import Saved


def tell_saved(what: str, saved: Saved, json: bool) -> None:
    """What was saved or restored, for a person or a program."""
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
