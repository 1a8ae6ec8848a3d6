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
    from pipeline.store.document_queries import DocumentView


async def chosen(settings: Settings, user: str | None, given: Sequence[str]) -> list[DocumentView]:
    """The documents that a person names, each once.

    Raises:
        UsageError: one of them is none, or several.
    """
    async with reading(settings, user) as connection:
        found = [await find_one(connection, each) for each in given]
    return list({each.document_id: each for each in found}.values())


def state_text(each: DocumentView) -> Any:
    """The state in a person's word; says when an older version is what readers still see."""
    shown = state_word(each.state or "", each.error_code)
    note = " (old version readable)" if each.published and shown in ("failed", "waiting") else ""
    return text(shown + note, STATE_COLORS.get(shown, ""))


_LINE = (
    "document_id", "job_id", "source", "name", "tags", "state", "notes", "language", "published",
    "version", "pages", "chunks", "tokens", "cost_usd", "updated_at",
    "error_code", "error_message", "error_remedy",
)  # fmt: skip


def line_json(each: DocumentView) -> dict[str, Any]:
    """One document for a program."""
    line = {name: getattr(each, name) for name in _LINE}
    status = state_word(each.state or "", each.error_code)
    return {**line, "status": status, **asdict(each.edition)}
