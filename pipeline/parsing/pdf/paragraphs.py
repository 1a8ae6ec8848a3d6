"""Splits the layout reader's blocks into paragraphs and list items, by their lines.

It cuts sentences at the wrong places, and runs items and paragraphs together. Where a line begins
an item, stands apart from the one above it, or follows the end of a text, a new piece begins; where
a sentence goes on, none does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from pipeline.layout import RegionKind
from pipeline.parsing.pdf.headings import is_heading
from pipeline.parsing.pdf.ink import around
from pipeline.parsing.pdf.items import Mark, as_item
from pipeline.parsing.pdf.pieces import Piece, TextLine, piece_box

# A line stands apart when it is so many of its heights further away than lines usually are.
_APART = 0.35
_USUAL_GAP = 0.25
_MOST_GAP = 1.5
# A line is full when it ends so near to its column's edge, in heights.
_FULL = 2.0
# A line that ends a text leaves so much of its column empty.
_SHORT = 0.2
_LOOK_BACK = 20
# Lines of one title are equally high, but for so much.
_ALIKE = 0.1
_ENDS = ".:;!?"
_BEFORE_ITEM = re.compile(r"(?:[.:;,!?]|\b(?:and|or|und|oder|e|o|y|et|ou))$", re.IGNORECASE)
_GOES_ON = re.compile(r"[(\[\"'“‘]?[^\W\d_]")
_OPEN = (RegionKind.PARAGRAPH, RegionKind.LIST)


def into_paragraphs(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces of a page, its running text cut into paragraphs and items, and no further."""
    usual = _usual_gap(pieces)
    joined: list[Piece] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        if before is not None and _is_rest_of_title(before, piece):
            _append(before, piece)
        elif before is not None and _continues(before, piece, usual):
            if before.kind is RegionKind.HEADING:
                joined[-1:] = _as_text(before)
            _append(joined[-1], piece)
        else:
            joined.append(piece)
    return [part for piece in joined for part in _parts(piece, usual)]


def _append(before: Piece, piece: Piece) -> None:
    before.lines.extend(piece.lines)
    before.box = around((before.box, piece.box))


def _is_rest_of_title(before: Piece, piece: Piece) -> bool:
    """Whether a line in the letters of the heading right above it belongs to that."""
    if before.kind is not RegionKind.HEADING or len(piece.lines) != 1 or piece.keeps_lines:
        return False
    if piece.kind is not RegionKind.PARAGRAPH or not before.lines:
        return False
    last, line = before.lines[-1], piece.lines[0]
    heights = last.box.bottom - last.box.top, line.box.bottom - line.box.top
    alike = last.bold and line.bold and abs(heights[0] - heights[1]) <= _ALIKE * max(heights)
    near = -0.5 <= _gap(last, line) < _USUAL_GAP
    text = " ".join(each.text for each in (*before.lines, line))
    return alike and near and is_heading(line.text) and is_heading(text)


def _as_text(heading: Piece) -> list[Piece]:
    """What was taken for a heading and goes on: its last line is text, with a title before it."""
    lines = heading.lines
    if len(lines) > 1 and lines[-2].box.right < lines[-1].box.right - _SHORT * (
        heading.box.right - heading.box.left
    ):
        title = Piece(heading.kind, piece_box(lines[:-1]), lines[:-1], level=heading.level)
        return [title, Piece(RegionKind.PARAGRAPH, piece_box(lines[-1:]), lines[-1:])]
    return [Piece(RegionKind.PARAGRAPH, heading.box, lines)]


def _usual_gap(pieces: Sequence[Piece]) -> float:
    gaps = [
        gap
        for piece in pieces
        if piece.kind in _OPEN
        for above, below in pairwise(piece.lines)
        if -1.0 < (gap := _gap(above, below)) < _MOST_GAP
    ]
    return median(gaps) if gaps else _USUAL_GAP


def _gap(above: TextLine, below: TextLine) -> float:
    """The white space between two lines, in heights of the upper one."""
    return (below.box.top - above.box.bottom) / max(above.box.bottom - above.box.top, 1.0)


def _continues(before: Piece, piece: Piece, usual: float) -> bool:
    """Whether a piece goes on with the sentence of the one before."""
    if before.kind not in (RegionKind.HEADING, *_OPEN) or piece.kind not in _OPEN:
        return False
    if before.keeps_lines or piece.keeps_lines or not before.lines:
        return False
    last, first = before.lines[-1], piece.lines[0]
    if piece.kind is RegionKind.LIST and (
        first.mark is not Mark.POSSIBLE or _BEFORE_ITEM.search(last.text)
    ):
        return False
    if (
        last.text[-1:] in _ENDS
        or first.mark is Mark.CERTAIN
        or not -0.5 <= _gap(last, first) < usual + _APART
    ):
        return False
    if min(last.box.right, first.box.right) <= max(last.box.left, first.box.left):
        return False
    begins = _GOES_ON.match(first.text)
    if begins is not None and begins[0][-1].islower():
        return True
    return before.kind is not RegionKind.HEADING and _is_full(
        last, (*before.lines[-_LOOK_BACK:], *piece.lines[:_LOOK_BACK])
    )


def _is_full(line: TextLine, lines: Sequence[TextLine]) -> bool:
    edge = max(each.box.right for each in lines)
    return len(lines) > 2 and line.box.right >= edge - _FULL * (line.box.bottom - line.box.top)


def _parts(piece: Piece, usual: float) -> Iterator[Piece]:
    if piece.kind not in _OPEN or piece.keeps_lines:
        yield piece
        return
    left, right = piece.box.left, piece.box.right
    lines: list[TextLine] = []
    first = True
    for line in piece.lines:
        if lines and _begins_part(lines, line, usual, left, right):
            yield _part(piece, lines, first=first)
            lines, first = [], False
        lines.append(line)
    if lines:
        yield _part(piece, lines, first=first)


def _begins_part(
    lines: Sequence[TextLine], line: TextLine, usual: float, left: float, right: float
) -> bool:
    last = lines[-1]
    gap = _gap(last, line)
    if line.mark is Mark.CERTAIN or (line.mark is Mark.POSSIBLE and _BEFORE_ITEM.search(last.text)):
        return True
    short = last.box.right < right - _SHORT * (right - left)
    if last.bold and not line.bold and short and len(lines) == 1:
        return True  # a title before its text
    ended = last.text[-1:] in _ENDS
    if gap > usual + _APART:
        return ended or gap > usual + 2 * _APART or not line.text[:1].islower()
    return ended and gap >= 0 and short


def _part(piece: Piece, lines: list[TextLine], *, first: bool) -> Piece:
    if first and piece.kind is RegionKind.LIST:
        return Piece(piece.kind, piece_box(lines), lines, level=piece.level)
    if lines[0].mark is Mark.CERTAIN or (lines[0].mark is Mark.POSSIBLE and not first):
        lines[0].text = as_item(lines[0].text)
        return Piece(RegionKind.LIST, piece_box(lines), lines, level=piece.level)
    return Piece(RegionKind.PARAGRAPH, piece_box(lines), lines)
