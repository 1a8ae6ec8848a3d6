"""The pieces of a page in reading order, before what only the whole document knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.layout import Box, RegionKind
from pipeline.parsing.pdf.ink import Word, around
from pipeline.parsing.pdf.items import Mark, mark_of
from pipeline.parsing.pdf.lines import box_of, line_text, lines_of

_HYPHENS = "-\u2010\u00ad\u2011"
_SIGNS = ".,;:!?()[]\"'“”‘’"


@dataclass(slots=True)
class TextLine:
    """A line as it is printed, and where.

    Attributes:
        mark: whether it begins with the mark of an item.
        bold: all of its words are.
    """

    text: str
    box: Box
    mark: Mark = Mark.NONE
    bold: bool = False


@dataclass(slots=True)
class TableDraft:
    """A table in the making. Cells hold their lines, joined by line breaks.

    Attributes:
        edges: the x of its columns' edges; by them a table that goes on is recognized.
        header_box: where the header is printed; None where it is not.
        ruled: it was read from ruled lines.
        styled: its header looks different from its rows, not only without amounts.
    """

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    boxes: list[Box]
    edges: tuple[float, ...] = ()
    title: str = ""
    header_box: Box | None = None
    ruled: bool = False
    styled: bool = False
    continues: bool = False


@dataclass(slots=True)
class Piece:
    """A heading, a paragraph, an item of a list, a table or a remark.

    Attributes:
        level: of a heading from 1, of a list item its depth from 0.
        keeps_lines: its lines are no running text (an address, columns without rules).
    """

    kind: RegionKind
    box: Box
    lines: list[TextLine] = field(default_factory=list)
    level: int = 0
    keeps_lines: bool = False
    table: TableDraft | None = None


@dataclass(slots=True)
class PageDraft:
    """A page in the making.

    Attributes:
        width, height, turn: of the page as it is read; see `PageInk`.
        size: as it is shown.
        hidden: words that no reader sees, so they were left out.
        placed: boxes are where the page as it is shown has them.
        unread: the boxes of pictures that look like text.
        uncertain, characters: glyphs without a character, and all glyphs.
    """

    number: int
    width: float
    height: float
    turn: int
    size: tuple[float, float]
    pieces: list[Piece] = field(default_factory=list)
    furniture: list[str] = field(default_factory=list)
    scanned: bool = False
    error: str | None = None
    hidden: list[str] = field(default_factory=list)
    unread: list[Box] = field(default_factory=list)
    uncertain: int = 0
    characters: int = 0
    ruled_rows: int = 0
    whole_rows: int = 0
    placed: bool = True

    def said(self) -> Iterator[str]:
        """All texts of the page, in their order."""
        for piece in self.pieces:
            if piece.table is not None:
                yield piece.table.title
                yield from piece.table.header
                for row in piece.table.rows:
                    yield from row
            for line in piece.lines:
                yield line.text

    def whole_words(self) -> Iterator[str]:
        """The words of the page in lower case, but for those that a line's end broke."""
        for text in self.said():
            for line in text.split("\n"):
                parts = line.lower().split()
                if parts and parts[-1][-1:] in _HYPHENS:
                    parts.pop()
                yield from (part.strip(_SIGNS) for part in parts)


def text_lines(words: list[Word]) -> list[TextLine]:
    """The lines of words."""
    return [
        TextLine(
            line_text(line),
            box_of(line),
            mark_of(line),
            all(word.bold for word in line[1:] or line),
        )
        for line in lines_of(words)
    ]


def piece_box(lines: list[TextLine]) -> Box:
    """The box around lines, of which there is at least one."""
    return around(line.box for line in lines)
