"""Sheets of a workbook as pages: what all kinds of workbooks have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.documents import ParsedPage
from pipeline.notes import Note, NoteKind
from pipeline.parsing.reading import Reading
from pipeline.parsing.sheets.sheet_text import grid_markdown

MAX_CELLS = 3_000_000
"""Of all sheets together; the rows beyond are not read, and it is said."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as a person sees it.

    Attributes:
        grid: the visible rows of visible cells; what is merged is repeated.
        hidden: the sheet itself is.
        hidden_parts: rows or columns with values are.
        cut_after: the last row that was read, when there are more.
        remarks: the notes on its cells.
    """

    name: str
    grid: tuple[tuple[str, ...], ...]
    hidden: bool = False
    hidden_parts: bool = False
    cut_after: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        """How many cells were read."""
        return sum(map(len, self.grid))


def sheets_reading(sheets: Sequence[Sheet], notes: Sequence[Note] = ()) -> Reading:
    """The visible sheets as pages, numbered as a person counts their tabs; empty ones skipped."""
    pages, said = [], list(notes)
    visible = [sheet for sheet in sheets if not sheet.hidden]
    for number, sheet in enumerate(visible, 1):
        body = "\n\n".join([grid_markdown(sheet.grid), *sheet.remarks]).strip()
        if body:
            pages.append(ParsedPage(number, f"# {' '.join(sheet.name.split())}\n\n{body}"))
        if sheet.cut_after is not None:
            message = f"The rows after row {sheet.cut_after:,} were not read."
            said.append(Note(NoteKind.PART_NOT_READ, message, (number,)))
    said += _hidden(sheets, visible)
    return Reading(tuple(pages) or (ParsedPage(1, ""),), paged=True, notes=tuple(said))


def _hidden(sheets: Sequence[Sheet], visible: Sequence[Sheet]) -> list[Note]:
    notes = []
    if count := len(sheets) - len(visible):
        words = "1 hidden sheet was" if count == 1 else f"{count} hidden sheets were"
        notes.append(Note(NoteKind.HIDDEN_LEFT_OUT, f"{words} left out."))
    partly = tuple(number for number, sheet in enumerate(visible, 1) if sheet.hidden_parts)
    if partly:
        message = "Hidden rows or columns were left out."
        notes.append(Note(NoteKind.HIDDEN_LEFT_OUT, message, partly))
    return notes
