"""Extracts a page's ink: words, ruled lines, filled areas, fields and annotations.

All coordinates are points from the upper left corner of the page, turned so that most of its text
stands upright (see `PageInk.turn`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.layout import Box

TICKED, UNTICKED = "[x]", "[ ]"
"""A tick box as it is written."""


@dataclass(slots=True)
class Word:
    """A run of characters without white space.

    Attributes:
        size: height of its font in points.
        turn: clockwise degrees by which it is rotated, 0 to 359.
        color: ARGB as eight hexadecimal digits, empty when it is not known.
        order: its place in the file.
        mark: a superscript that stands on this word, such as a footnote's number.
        marks_after: superscripts that are words of their own and follow this one on its line.
        filled: it is what somebody filled in, not printed.
        uncertain: its glyphs have no characters, or characters for private use.
    """

    text: str
    box: Box
    size: float
    turn: int = 0
    bold: bool = False
    color: str = ""
    order: int = 0
    mark: str = ""
    marks_after: str = ""
    filled: bool = False
    uncertain: bool = False

    @property
    def middle(self) -> tuple[float, float]:
        """The center of its box."""
        return (self.box.left + self.box.right) / 2, (self.box.top + self.box.bottom) / 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A drawn line, or the edge of a drawn area, that is horizontal or vertical.

    Attributes:
        horizontal: it runs from left to right, else from top to bottom.
        at: its y when it is horizontal, else its x.
        start, end: from where to where it runs, `start` < `end`.
    """

    horizontal: bool
    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Fill:
    """A filled area with its ARGB color."""

    box: Box
    color: str


class BlockKind(StrEnum):
    """What the layout reader takes a block for."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    CODE = "code"
    TABLE = "table"
    GRID = "grid_fallback"


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the page in reading order, as the layout reader sees it.

    Attributes:
        level: of a heading 1 to 6, of a list item its depth from 0.
        marker: of a list item, as it is printed.
        cells: of a table, the box of each cell; None for one that holds nothing.
    """

    kind: BlockKind
    box: Box
    level: int = 0
    marker: str = ""
    cells: tuple[tuple[Box | None, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A filled form field: its value as a person reads it, or ``[x]`` and ``[ ]``."""

    value: str
    box: Box
    label: str = ""
    is_tick: bool = False


@dataclass(frozen=True, slots=True)
class Annotation:
    """A text that was put on the page later: a typed note, a sticky note, a stamp."""

    text: str
    box: Box


@dataclass(slots=True)
class PageInk:
    """All that is drawn on one page.

    Attributes:
        width, height: in points, turned as the coordinates are.
        turn: clockwise degrees by which the page, as it is shown, was turned back for reading.
        hidden: texts that the file hides from readers.
        unmapped: characters whose font does not say which they are.
        picture_share: the part of the page that pictures cover, 0 to 1; 1 for one that fills it.
    """

    number: int
    width: float
    height: float
    turn: int = 0
    words: list[Word] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    unmapped: int = 0
    picture_share: float = 0.0

    @property
    def shown_size(self) -> tuple[float, float]:
        """Width and height of the page as it is shown."""
        upright = self.turn % 180 == 0
        return (self.width, self.height) if upright else (self.height, self.width)

    def as_shown(self, box: Box) -> Box:
        """A box in the coordinates of the page as it is shown, rounded to a tenth of a point."""
        left, top, right, bottom = box
        match self.turn % 360:
            case 90:
                turned = (self.height - bottom, left, self.height - top, right)
            case 180:
                turned = (
                    self.width - right,
                    self.height - bottom,
                    self.width - left,
                    self.height - top,
                )
            case 270:
                turned = (top, self.width - right, bottom, self.width - left)
            case _:
                turned = (left, top, right, bottom)
        return Box(*(round(edge, 1) for edge in turned))


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box around others, of which there is at least one."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def area(box: Box) -> float:
    """The area of a box in square points; none of one that is turned inside out."""
    return max(0.0, box.right - box.left) * max(0.0, box.bottom - box.top)


def holds(box: Box, x: float, y: float, margin: float = 0.0) -> bool:
    """Whether a point lies in a box, or not further than `margin` outside."""
    return (
        box.left - margin <= x <= box.right + margin
        and box.top - margin <= y <= box.bottom + margin
    )
