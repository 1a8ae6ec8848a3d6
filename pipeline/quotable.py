"""Says where a passage stands, in the words with which it is quoted."""

from __future__ import annotations

from collections.abc import Sequence


def page_words(first: int | None, last: int | None) -> str:
    """``page 3``, ``pages 3–4``, or nothing for a format without pages."""
    return span_words("page", first, last)


def span_words(noun: str, first: int | None, last: int | None) -> str:
    """``paragraph 3``, ``paragraphs 3–4``, or nothing where that is not known."""
    if first is None:
        return ""
    return f"{noun} {first}" if first == last else f"{noun}s {first}–{last}"


def citation(name: str, first: int | None, last: int | None, headings: Sequence[str]) -> str:
    """``policy.pdf, page 3 (Coverages › Hail)``: what is written beside something quoted."""
    where = ", ".join(filter(None, (name, page_words(first, last))))
    return f"{where} ({' › '.join(headings)})" if headings else where
