"""A spatial index of a page, so that a look-up does not pass over all of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from pipeline.layout import Box

T = TypeVar("T")
# A page is cut into so many tiles along each side.
_TILES = 24


class Tiles(Generic[T]):
    """Things by the tiles of a page that their boxes touch.

    Args:
        things: each with its box, in the order in which `at` gives them again.
        margin: how far outside its box a thing is found, in points.
    """

    def __init__(self, things: Iterable[tuple[Box, T]], *, margin: float = 0.0) -> None:
        placed = list(things)
        self._left = min((box.left for box, _ in placed), default=0.0) - margin
        self._top = min((box.top for box, _ in placed), default=0.0) - margin
        right = max((box.right for box, _ in placed), default=0.0) + margin
        bottom = max((box.bottom for box, _ in placed), default=0.0) + margin
        self._across = max(right - self._left, 1.0) / _TILES
        self._down = max(bottom - self._top, 1.0) / _TILES
        self._tiles: dict[tuple[int, int], list[T]] = defaultdict(list)
        for box, thing in placed:
            first = self._tile(box.left - margin, box.top - margin)
            last = self._tile(box.right + margin, box.bottom + margin)
            for column in range(first[0], last[0] + 1):
                for row in range(first[1], last[1] + 1):
                    self._tiles[column, row].append(thing)

    def _tile(self, x: float, y: float) -> tuple[int, int]:
        return int((x - self._left) // self._across), int((y - self._top) // self._down)

    def at(self, x: float, y: float) -> Sequence[T]:
        """Everything whose box may hold a point, and some that is only near it."""
        return self._tiles.get(self._tile(x, y), ())

    def over(self, box: Box) -> list[T]:
        """Everything that may meet a box, each once, and some that is only near it."""
        first, last = self._tile(box.left, box.top), self._tile(box.right, box.bottom)
        columns = range(max(first[0], 0), min(last[0], _TILES) + 1)
        rows = range(max(first[1], 0), min(last[1], _TILES) + 1)
        found = (
            thing
            for column in columns
            for row in rows
            for thing in self._tiles.get((column, row), ())
        )
        return list({id(thing): thing for thing in found}.values())
