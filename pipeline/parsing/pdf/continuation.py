"""Continues tables over several pages: their rows get the header of the first page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipeline.layout import RegionKind
from pipeline.parsing.pdf.pieces import PageDraft, Piece, TableDraft

_SAME_EDGE = 6.0
# Lines that may stand between a table and the page's edge: a footnote, "continued".
_LINES_BETWEEN = 3
_CONTINUED = ("continued", "cont.", "(cont", "fortsetzung", "suite", "continuación")


def continue_tables(pages: Sequence[PageDraft]) -> None:
    """Gives a table that goes on from the page before the header of its beginning."""
    for before, page in pairwise(pages):
        first, last = _first_table(page), _last_table(before)
        if first is None or last is None or not _fits(last, first):
            continue
        same = _spoken(first.header) == _spoken(last.header)
        if first.header and not same and last.styled and not first.styled and last.header:
            # What looked like a header only because it holds no amounts is the next row.
            first.rows.insert(0, first.header)
            first.boxes.insert(0, first.header_box or first.boxes[0])
            first.header, first.header_box = (), None
        if not first.header or same:
            first.continues = True
            first.header = last.header


def _first_table(page: PageDraft) -> TableDraft | None:
    lines = 0
    for piece in page.pieces:
        if piece.kind is RegionKind.TABLE:
            return piece.table
        if piece.kind is RegionKind.HEADING and not _says_continued(piece):
            return None
        lines += len(piece.lines)
        if lines > _LINES_BETWEEN:
            return None
    return None


def _last_table(page: PageDraft) -> TableDraft | None:
    lines = 0
    for piece in reversed(page.pieces):
        if piece.kind is RegionKind.TABLE:
            return piece.table
        lines += len(piece.lines)
        if piece.kind is RegionKind.HEADING or lines > _LINES_BETWEEN:
            return None
    return None


def _says_continued(piece: Piece) -> bool:
    return any(word in line.text.lower() for line in piece.lines for word in _CONTINUED)


def _fits(last: TableDraft, first: TableDraft) -> bool:
    if len(_row(last)) != len(_row(first)) or last.ruled != first.ruled:
        return False
    if not first.edges or not last.edges:
        return True
    return all(abs(a - b) <= _SAME_EDGE for a, b in zip(last.edges, first.edges, strict=True))


def _row(table: TableDraft) -> tuple[str, ...]:
    return table.header or table.rows[0]


def _spoken(cells: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()).lower() for cell in cells]
