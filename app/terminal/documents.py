"""Formats documents: the name a person gives, one line for a table or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.terminal.console import text
from app.terminal.database import reading
from app.terminal.states import STATE_COLORS
from pipeline.settings import Settings
from pipeline.states import state_word
from stages.document_lookup import find_one

if TYPE_CHECKING:
    from pipeline.store.history import DocumentLine


async def chosen(settings: Settings, user: str | None, given: Sequence[str]) -> list[DocumentLine]:
    """The documents that a person names, each once.

    Raises:
        UsageError: one of them is none, or several.
    """
    async with reading(settings, user) as connection:
        found = [await find_one(connection, each) for each in given]
    return list({each.document_id: each for each in found}.values())


def state_text(each: DocumentLine) -> Any:
    """The state in a person's word; says when an older version is what readers still see."""
    shown = state_word(each.state or "", each.error_code)
    note = " (old version readable)" if each.published and shown in ("failed", "waiting") else ""
    return text(shown + note, STATE_COLORS.get(shown, ""))


def line_json(each: DocumentLine) -> dict[str, Any]:
    """One document for a program."""
    return {**asdict(each), "status": state_word(each.state or "", each.error_code)}
