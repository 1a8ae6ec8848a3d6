"""Says where a passage stands, in the words with which it is quoted."""

from __future__ import annotations

from collections.abc import Sequence


def page_words(first: int | None, last: int | None) -> str:
    """``page 3``, ``pages 3–4``, or nothing for a format without pages."""
    if first is None:
        return ""
    return f"page {first}" if first == last else f"pages {first}–{last}"


def citation(name: str, first: int | None, last: int | None, headings: Sequence[str]) -> str:
    """``policy.pdf, page 3 (Coverages › Hail)``: what is written beside something quoted."""
    where = ", ".join(filter(None, (name, page_words(first, last))))
    return f"{where} ({' › '.join(headings)})" if headings else where
