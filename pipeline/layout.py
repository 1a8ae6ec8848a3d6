"""Layout values: where things stand on a page, and the structure of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle on a page as it is shown: points from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


class RegionKind(StrEnum):
    """What stands in a region of a page."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    FORM_FIELD = "form_field"
    ANNOTATION = "annotation"


@dataclass(frozen=True, slots=True)
class Region:
    """Where on the page a part of its text stands; a table has one region for each row.

    Attributes:
        start, end: offsets into the page's text.
    """

    kind: RegionKind
    start: int
    end: int
    box: Box


@dataclass(frozen=True, slots=True)
class Table:
    """The structure of a table whose Markdown stands in the page's text.

    Attributes:
        start, end: offsets of its Markdown into the page's text.
        header: the name of each column; the levels of a heading are joined by `` / ``. Empty
            where the table has none. A table that goes on from the page before has the header
            of its beginning, though that is not printed again.
        rows: the cells of each row below the header, one for each column. A value that is merged
            over several rows or columns stands in each of them.
        caption: the line that names the table, when there is one.
        continues: the table goes on from the page before.
        box: where it stands on the page, when that is known.
    """

    start: int
    end: int
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    continues: bool = False
    box: Box | None = None
