"""Splits columns of text within one block, which the layout reader takes for one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from pipeline.parsing.pdf.ink import Word
from pipeline.parsing.pdf.lines import Line, lines_of

# A gutter is so wide, in points and in heights of its line's letters.
_WIDE, _WIDE_FOR_SIZE = 7.0, 0.8
# So many lines at most have words across the gutter, and so many at least have words beside it.
_MOST_CROSSING, _LEAST_BESIDE = 0.15, 0.3
_MIN_LINES = 4
_PAGE_LINES, _PAGE_CROSSING = 12, 0.4
# Lines of text have so many words; labels, amounts and the cells of tables have fewer.
_WORDS = 4.0
_MOST_LINES = 2_000
_MOST_PLACES, _DEEPEST = 100, 4


class _Gutter(NamedTuple):
    """How good a gutter a place is; the best one is the greatest.

    Attributes:
        score: lines of the column with fewer lines, less twice those that run across.
    """

    score: int
    beside: int
    crossing: int
    minus_x: float

    @property
    def x(self) -> float:
        """Where it is: of equal places the leftmost, before the right column's marks."""
        return -self.minus_x


def text_columns(words: Sequence[Word], depth: int = 0) -> list[list[Word]]:
    """The words of a block by its columns of text, in reading order; one group where it has one."""
    lines = lines_of(words)
    if not _MIN_LINES <= len(lines) <= _MOST_LINES or depth >= _DEEPEST:
        return [list(words)]
    gutter = _gutter(lines)
    if gutter is None:
        return [list(words)]
    return [
        column
        for part in _bands(lines, gutter)
        for column in (text_columns(part, depth + 1) if len(part) < len(words) else [part])
    ]


def page_gutter(words: Sequence[Word]) -> float | None:
    """Where the gutter between a page's two columns of text runs, if it has two.

    More may run across it than across a block's: titles, and texts above the columns.
    """
    lines = lines_of(words)
    if not _PAGE_LINES <= len(lines) <= _MOST_LINES:
        return None
    return _gutter(lines, _PAGE_CROSSING)


def _gutter(lines: Sequence[Line], most_crossing: float = _MOST_CROSSING) -> float | None:
    """Where a gutter between two columns of text runs, if one does."""
    places = sorted(place for line in lines for place in _places(line))
    step = 1 + len(places) // _MOST_PLACES
    edges = _Edges(lines)
    best = max((edges.measured(place) for place in places[::step]), default=None)
    if best is None or best.crossing > most_crossing * len(lines):
        return None
    if best.beside < max(_LEAST_BESIDE * (len(lines) - best.crossing), 2):
        return None
    parted = [sides(line, best.x) for line in lines if not crosses(line, best.x)]
    return best.x if all(_is_text([part[n] for part in parted]) for n in (0, 1)) else None


def _places(line: Line) -> Iterator[float]:
    """Where a gutter may run: in the wide gaps of a line, and behind its end."""
    for one, other in pairwise(line):
        if other.box.left - one.box.right >= max(_WIDE, _WIDE_FOR_SIZE * one.size):
            yield (one.box.right + other.box.left) / 2
    yield line[-1].box.right + _WIDE / 2


class _Edges:
    """Where lines, their first and last words and the gaps in them begin and end, in order."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._begins = sorted(line[0].box.left for line in lines)
        self._ends = sorted(line[-1].box.right for line in lines)
        self._first_ends = sorted(line[0].box.right for line in lines)
        self._last_begins = sorted(line[-1].box.left for line in lines)
        gaps = [
            (one.box.right, other.box.left)
            for line in lines
            for one, other in pairwise(line)
            if other.box.left - one.box.right >= _WIDE
        ]
        self._gaps_begin = sorted(begin for begin, _ in gaps)
        self._gaps_end = sorted(end for _, end in gaps)

    def measured(self, x: float) -> _Gutter:
        """How good a gutter a place is."""
        over = bisect_left(self._begins, x) - bisect_right(self._ends, x)
        free = bisect_left(self._gaps_begin, x) - bisect_right(self._gaps_end, x)
        left = bisect_right(self._first_ends, x)
        right = len(self._last_begins) - bisect_left(self._last_begins, x)
        crossing, beside = max(over - free, 0), min(left, right)
        return _Gutter(beside - 2 * crossing, beside, crossing, -x)


def crosses(line: Line, x: float) -> bool:
    """Whether a line's words run across a gutter, or leave less than a gutter free there."""
    left, right = sides(line, x)
    if not left or not right:
        return any(word.box.left < x < word.box.right for word in line)
    return right[0].box.left - left[-1].box.right < _WIDE


def sides(line: Line, x: float) -> tuple[Line, Line]:
    # Overprinted words are not in the order of their middles: each is asked, so that none is lost.
    left = [word for word in line if word.middle[0] < x]
    return left, [word for word in line if word.middle[0] >= x]


def _is_text(parts: Sequence[Line]) -> bool:
    full = [part for part in parts if part]
    return len(full) > 1 and sum(map(len, full)) >= _WORDS * len(full)


def _bands(lines: Sequence[Line], x: float) -> Iterator[list[Word]]:
    """The left column and the right one, as far as no line crosses both."""
    left: list[Word] = []
    right: list[Word] = []
    for line in lines:
        if crosses(line, x):
            yield from filter(None, (left, right))
            left, right = [], []
            yield list(line)
        else:
            one, other = sides(line, x)
            left += one
            right += other
    yield from filter(None, (left, right))
