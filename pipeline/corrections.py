"""Corrections: what a person put right in the text that was read of a page, as values.

A correction names what stood there, not an offset alone, so that it can be applied again to another
reading of the same bytes; where what stood there no longer stands, it is told and not guessed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import UsageError
from pipeline.identity import combined_sha256
from pipeline.layout import Region, Table
from pipeline.notes import Note, NoteKind
from pipeline.pages import row_offsets

MOST_CHARACTERS = 20_000
"""Of what stood there, and of what is to stand there."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A passage of a page, or one cell of a table, and what is to stand there instead.

    Attributes:
        page: from 1.
        before: exactly what was read; of a cell, its whole text.
        after: what the page says; empty where nothing stands.
        occurrence: how many times the same stands on the page before it.
        cell: (table, row, column) on the page, each from 0, when it is a cell.
    """

    page: int
    before: str
    after: str
    occurrence: int = 0
    cell: tuple[int, int, int] | None = None

    def record(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def of(cls, record: dict[str, Any]) -> Correction:
        """As `record` stored it."""
        cell = record.get("cell")
        return cls(**{**record, "cell": tuple(cell) if cell else None})


def normalized(text: str) -> str:
    """A person's text as parsed text is: NFC, with line ends of one kind.

    Raises:
        UsageError: it is too long, or holds what no text holds.
    """
    found = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(found) > MOST_CHARACTERS:
        raise UsageError(f"A correction has {MOST_CHARACTERS} characters at most.")
    if any("\ud800" <= each <= "\udfff" or each == "\0" for each in found):
        raise UsageError("The text holds NUL characters or lone surrogates.")
    return found


@dataclass(frozen=True, slots=True)
class Corrected:
    """A text with those corrections that could be applied.

    Attributes:
        applied, left: ids of the corrections; what is `left` no longer stands where it did.
    """

    document: ParsedDocument
    applied: tuple[UUID, ...]
    left: tuple[UUID, ...]

    @property
    def variant(self) -> str:
        """Tells the stored text from the one that the parser made, and from other corrections."""
        ids = [str(each) for each in (*self.applied, "|", *self.left)]
        return f"+corrected-{combined_sha256(ids)[:16]}"


def correct(document: ParsedDocument, corrections: Sequence[tuple[UUID, Correction]]) -> Corrected:
    """Apply corrections, the oldest first, each to what those before it left."""
    pages = list(document.pages)
    applied, left = [], []
    changed: set[int] = set()
    for identity, each in corrections:
        page = pages[each.page - 1] if 0 < each.page <= len(pages) else None
        found = _on(page, each) if page is not None else None
        if found is None:
            left.append(identity)
            continue
        pages[each.page - 1] = found
        changed.add(each.page)
        applied.append(identity)
    named = {identity: each.page for identity, each in corrections}
    notes = (
        *document.notes,
        *_note(NoteKind.CORRECTED, "A person corrected what was read.", changed),
        *_note(
            NoteKind.CORRECTION_LEFT,
            "A person's correction no longer fits what was read, and was left out.",
            {named[each] for each in left},
        ),
    )
    return Corrected(
        replace(document, pages=tuple(pages), notes=notes), tuple(applied), tuple(left)
    )


def _note(kind: NoteKind, message: str, pages: set[int]) -> list[Note]:
    return [Note(kind, message, tuple(sorted(pages)))] if pages else []


def _on(page: ParsedPage, correction: Correction) -> ParsedPage | None:
    """The page with the correction; None where what it is about does not stand."""
    if correction.cell is not None:
        return _cell(page, correction, *correction.cell)
    start = -1
    for _ in range(correction.occurrence + 1):
        start = page.text.find(correction.before, start + 1)
        if start < 0:
            return None
    end = start + len(correction.before)
    if any(table.start < end and table.end > start for table in page.tables):
        return None  # a table is corrected by its cells, so that it stays one
    return _spliced(page, start, end, correction.after)


def _cell(
    page: ParsedPage, correction: Correction, number: int, row: int, column: int
) -> ParsedPage | None:
    if number >= len(page.tables):
        return None
    table = page.tables[number]
    if row >= len(table.rows) or column >= len(table.rows[row]):
        return None
    if table.rows[row][column] != correction.before:
        return None
    offsets = row_offsets(page.text, table)
    if row >= len(offsets):
        return None
    place = _in_line(page.text, *offsets[row], column, len(table.rows[row]))
    if place is None:
        return None
    after = " ".join(correction.after.split())
    cells = list(table.rows[row])
    cells[column] = after
    rows = (*table.rows[:row], tuple(cells), *table.rows[row + 1 :])
    kept = (*page.tables[:number], replace(table, rows=rows), *page.tables[number + 1 :])
    return _spliced(replace(page, tables=kept), *place, after.replace("|", "\\|"))


def _in_line(text: str, start: int, end: int, column: int, width: int) -> tuple[int, int] | None:
    """Where a cell's words stand in a row of Markdown; None when the row is no such row."""
    marks = [at for at in range(start, end) if text[at] == "|" and text[at - 1 : at] != "\\"]
    if len(marks) != width + 1:
        return None
    first, last = marks[column] + 1, marks[column + 1]
    words = text[first:last]
    if not words.strip():
        return first, last
    return first + len(words) - len(words.lstrip()), last - len(words) + len(words.rstrip())


def _spliced(page: ParsedPage, start: int, end: int, after: str) -> ParsedPage:
    """The page with another text between two offsets; what stands around it keeps its place."""
    text = page.text[:start] + after + page.text[end:]
    new_end = start + len(after)

    def moved(offset: int) -> int:
        if offset <= start:
            return offset
        return offset + new_end - end if offset >= end else min(offset, new_end)

    def region(each: Region) -> Region:
        return replace(each, start=moved(each.start), end=moved(each.end))

    def table(each: Table) -> Table:
        return replace(each, start=moved(each.start), end=moved(each.end))

    regions = tuple(r for r in map(region, page.regions) if r.start < r.end)
    return replace(page, text=text, regions=regions, tables=tuple(map(table, page.tables)))
