"""Decides whether a passage is one that a golden question expects."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.text import fold, normalize
from stages.golden.questions import Expected

if TYPE_CHECKING:
    from pipeline.store.search import Passage


def hits(passages: Sequence[Passage], expected: Sequence[Expected]) -> list[int | None]:
    """For each passage the expectation that it is the first to meet, else None."""
    met: set[int] = set()
    found: list[int | None] = []
    for passage in passages:
        number = next(
            (
                place for place, each in enumerate(expected)
                if place not in met and is_expected(passage, each)
            ), None,
        )  # fmt: skip
        if number is not None:
            met.add(number)
        found.append(number)
    return found


def is_expected(passage: Passage, expected: Expected) -> bool:
    """Whether a passage is of the document, on the page, and holds the quotation or most of it."""
    if expected.document and not _is_document(passage, expected.document):
        return False
    if expected.page is not None and not _is_on(passage, expected.page):
        return False
    return expected.quote is None or _holds(passage.text, expected.quote)


def _is_document(passage: Passage, named: str) -> bool:
    return (
        named in (passage.name, passage.source)
        or passage.source.endswith(f"/{named}")
        or (len(named) >= 6 and str(passage.document_id).startswith(named.lower()))
    )


def _is_on(passage: Passage, page: int) -> bool:
    if passage.page_first is None:
        return True  # a format without pages
    return passage.page_first <= page <= (passage.page_last or passage.page_first)


def _holds(text: str, quote: str) -> bool:
    """Whole, or cut: a chunk may end in the middle of what was quoted."""
    words, wanted = _words(text), _words(quote)
    said, asked = f" {' '.join(words)} ", f" {' '.join(wanted)} "
    if asked in said:
        return True
    pairs, sought = set(pairwise(words)), list(pairwise(wanted))
    return len(sought) >= 8 and sum(each in pairs for each in sought) * 2 > len(sought)


def _words(text: str) -> list[str]:
    folded = fold(normalize(text).text).casefold()
    return "".join(each if each.isalnum() else " " for each in folded).split()
