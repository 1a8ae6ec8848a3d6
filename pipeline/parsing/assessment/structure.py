"""Counts a document's structure: headings, and lines that return on page after page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan

from pipeline.documents import ParsedDocument, ParsedPage

_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_LETTER = re.compile(r"[^\W\d_]")
_PAGE_NUMBER = re.compile(
    r"\A(?:page|seite|página|pagina)?\s*+\d++\s*+(?:(?:of|von|de|di|/)\s*+\d++)?", re.IGNORECASE
)
_LONGEST_HEADING = 200
_WORDS_OF_A_SENTENCE = 15
_MOST_OF_A_TEXT = 0.5
_LEAST_TEXT = 1_000

_DIGITS = re.compile(r"\d+")
_PAGES_TO_JUDGE = 3
_EDGE_LINES = 2
_SHORT_LINE = 160


@dataclass(frozen=True, slots=True)
class Headings:
    """The lines that the text makes headings.

    Attributes:
        count: all of them.
        odd: those that can be none: a sentence, a price, a page number, a paragraph.
        share: of the text's characters that stand in headings, 0 to 1.
    """

    count: int
    odd: int
    share: float

    @property
    def sane(self) -> float:
        """How far the headings are headings, 0 to 1; NaN without any."""
        if not self.count:
            return nan
        excess = self.share if self.share > _MOST_OF_A_TEXT else 0.0
        return min(1 - self.odd / self.count, 1 - excess)


def headings_of(text: str) -> Headings:
    """Count a Markdown text's headings."""
    found = _HEADING.findall(text)
    length = sum(map(len, found))
    share = length / len(text) if len(text) >= _LEAST_TEXT else 0.0
    return Headings(len(found), sum(map(_is_odd, found)), share)


def _is_odd(heading: str) -> bool:
    words = len(heading.split())
    sentence = words > _WORDS_OF_A_SENTENCE and heading.rstrip("*_ ").endswith((".", ";", ","))
    return (
        len(heading) > _LONGEST_HEADING
        or sentence
        or _LETTER.search(heading) is None
        or _PAGE_NUMBER.fullmatch(heading.strip("*_ ")) is not None
    )


def repeated_furniture(document: ParsedDocument) -> float:
    """The share of pages whose text holds a running header or footer that returns, 0 to 1.

    Its first page does not count: there it may stand.

    Returns:
        NaN for a document of too few pages to tell.
    """
    pages = [page for page in document.pages if page.text]
    if not document.paged or len(pages) < _PAGES_TO_JUDGE:
        return nan
    edges = [set(_edge_lines(page)) for page in pages]
    seen = Counter(line for lines in edges for line in lines)
    least = max(_PAGES_TO_JUDGE, len(pages) // 2)
    running = {line for line, count in seen.items() if count >= least}
    held = sum(bool(lines & running) for lines in edges)
    return max(held - 1, 0) / (len(pages) - 1)


def _edge_lines(page: ParsedPage) -> Iterator[str]:
    """The short lines at the top and bottom of a page, with every number but a heading's the same.

    "Section 2" above the second page is another heading than "Section 1" above the first.
    """
    lines = [line.strip() for line in page.text.splitlines() if line.strip()]
    for line in _edges(lines):
        # A table that goes on from page to page repeats the names of its columns rightly.
        if len(line) <= _SHORT_LINE and not line.startswith("|"):
            yield line.lstrip("# ") if line.startswith("#") else _DIGITS.sub("#", line)


def _edges(lines: Sequence[str]) -> Sequence[str]:
    if len(lines) <= 2 * _EDGE_LINES:
        return lines
    return [*lines[:_EDGE_LINES], *lines[-_EDGE_LINES:]]
