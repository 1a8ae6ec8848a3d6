"""Says on which pages or in which paragraphs something stands."""

from __future__ import annotations

from typing import Protocol


class Paged(Protocol):
    """What stands on pages, from 1; None where its format has none."""

    @property
    def page_first(self) -> int | None:
        """Its first page."""

    @property
    def page_last(self) -> int | None:
        """Its last page."""


def pages_of(part: Paged) -> str:
    """``page 3``, ``pages 3–4``, or nothing for a format without pages."""
    return span("page", part.page_first, part.page_last)


def span(noun: str, first: int | None, last: int | None) -> str:
    """``paragraph 3``, ``paragraphs 3–4``, or nothing."""
    if first is None:
        return ""
    return f"{noun} {first}" if first == last else f"{noun}s {first}–{last}"
