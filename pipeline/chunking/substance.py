"""Whether chunks hold something of their own: more than headings, and rows with their columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import nan
from typing import NamedTuple

from pipeline.documents import ParsedDocument

_LEAST_CHUNKS = 5
_PAGE_NUMBER = re.compile(r"\W*(?:page\s*)?\d*(?:\s*of\s*\d+)?\W*", re.IGNORECASE)


class Piece(NamedTuple):
    """A chunk as it is judged: where it stands in the document, and what is told beside it."""

    start: int
    end: int
    context: str


def substantial_share(document: ParsedDocument, pieces: Sequence[Piece]) -> float:
    """The share of chunks that are more than a heading, a running header or footer, 0 to 1.

    Returns:
        NaN for a document of a few chunks: a note may be a heading alone.
    """
    if len(pieces) < _LEAST_CHUNKS:
        return nan
    running = {line.strip() for page in document.pages for line in page.furniture}
    held = sum(_says_something(document.text[p.start : p.end], running) for p in pieces)
    return held / len(pieces)


def _says_something(text: str, running: set[str]) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return any(
        line
        and not line.startswith("#")
        and line not in running
        and _PAGE_NUMBER.fullmatch(line) is None
        for line in lines
    )


class _Table(NamedTuple):
    """Where a table stands in the document, its columns, and whether it begins with their names."""

    start: int
    end: int
    header: tuple[str, ...]
    printed: bool


def headed_share(document: ParsedDocument, pieces: Sequence[Piece]) -> float:
    """The share of pieces of tables that say what their columns are, 0 to 1.

    A piece says so when it begins the table, or when the columns stand beside it.

    Returns:
        NaN for a document without a table whose columns are known.
    """
    tables = list(_tables(document))
    touched = [
        (table.start >= piece.start and table.printed)
        or all(name in piece.context for name in table.header)
        for piece in pieces
        for table in tables
        if piece.start < table.end and table.start < piece.end
    ]
    return sum(touched) / len(touched) if touched else nan


def _tables(document: ParsedDocument) -> Iterator[_Table]:
    """The tables whose columns are known."""
    for page, offset in zip(document.pages, document.page_starts, strict=True):
        for table in page.tables:
            if header := tuple(filter(None, map(str.strip, table.header))):
                place = (offset + table.start, offset + table.end)
                yield _Table(*place, header, printed=not table.continues)
