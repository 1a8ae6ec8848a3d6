"""Reads text that does not stand upright on its page: beside the others, or across."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.layout import Box, RegionKind
from pipeline.parsing.pdf.ink import Word, around
from pipeline.parsing.pdf.lines import line_text, lines_of
from pipeline.parsing.pdf.pieces import Piece, TextLine

_WATERMARK = "> Watermark: "
# A scan that is not quite straight leans by a degree or two.
_LEAN = 2


def turned_pieces(words: Sequence[Word]) -> list[Piece]:
    """Sideways text by its direction; text across the page is a watermark or a stamp."""
    pieces: list[Piece] = []
    for members, lines in _by_turn(words):
        where = around(word.box for word in members)
        text = [TextLine(line, where) for line in lines]
        pieces.append(Piece(RegionKind.PARAGRAPH, where, text))
    across = [word for word in words if not is_straight(word)]
    if across:
        where = around(word.box for word in across)
        said = " ".join(word.text for word in sorted(across, key=lambda word: word.order))
        mark = TextLine(f"{_WATERMARK}{said}", where)
        pieces.append(Piece(RegionKind.ANNOTATION, where, [mark]))
    return pieces


def turned_lines(words: Sequence[Word]) -> list[str]:
    """The lines of sideways words, as a reader sees them who turns the page."""
    return [line for _, lines in _by_turn(words) for line in lines]


def _by_turn(words: Sequence[Word]) -> Iterator[tuple[list[Word], list[str]]]:
    for turn in (90, 180, 270):
        members = [word for word in words if abs(word.turn - turn) <= _LEAN]
        if members:
            printed = lines_of([_upright(word, turn) for word in members])
            yield members, [line_text(line) for line in printed]


def is_straight(word: Word) -> bool:
    """Whether a word stands upright, or sideways by a quarter turn."""
    return min(word.turn % 90, 90 - word.turn % 90) <= _LEAN


def is_upright(word: Word) -> bool:
    """Whether a word stands as most of the page's text does."""
    return min(word.turn, 360 - word.turn) <= _LEAN


def _upright(word: Word, turn: int) -> Word:
    left, top, right, bottom = word.box
    box = {
        90: Box(top, -right, bottom, -left),
        180: Box(-right, -bottom, -left, -top),
        270: Box(-bottom, left, -top, right),
    }[turn]
    return Word(word.text, box, word.size, 0, word.bold, word.color, word.order)
