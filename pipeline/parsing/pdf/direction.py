"""Orders words in their reading direction: Arabic and Hebrew from the right (bidi)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from unicodedata import bidirectional

from pipeline.parsing.pdf.ink import Word

_FIRST_RIGHT_TO_LEFT = "\u0590"
_RIGHT_TO_LEFT = ("R", "AL")


def as_read(line: Sequence[Word]) -> Sequence[Word]:
    """The words of a line, given from left to right, as a reader reads them."""
    if not any(max(word.text) >= _FIRST_RIGHT_TO_LEFT for word in line):
        return line
    directions = [_direction(word.text) for word in line]
    if directions.count(-1) > directions.count(1):
        # What is written from the left keeps its order within such a line.
        return _turned(line[::-1], directions[::-1], 1)
    return _turned(line, directions, -1)


def _turned(words: Sequence[Word], directions: Sequence[int], which: int) -> list[Word]:
    """The words, each run of those with one direction turned round."""
    ordered: list[Word] = []
    pairs = zip(words, directions, strict=True)
    for direction, run in groupby(pairs, key=lambda pair: pair[1]):
        members = [word for word, _ in run]
        ordered += members[::-1] if direction == which else members
    return ordered


def _direction(text: str) -> int:
    """1 for a word that is read from the left, -1 from the right, 0 for numbers and signs."""
    for character in text:
        kind = bidirectional(character)
        if kind in _RIGHT_TO_LEFT:
            return -1
        if kind == "L":
            return 1
    return 0
