"""The blocks of a document that has no pages (Word, HTML), and their Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from pipeline.notes import Note

MAX_TIGHT_CHARS = 240
"""Longer list items are set apart by a blank line, so that a chunk may begin at each."""

_MAX_HEADING_CHARS = 200
_MAX_SENTENCE_HEADING_CHARS = 120
_NATIVE_MARKER = re.compile(r"-|\d{1,9}[.)]")
_SENTENCE_END = (".", ";", ",")
# After these a following paragraph in the same table cell needs no mark of its own.
_CLOSED = (".", ";", ":", ",", "!", "?", "-", "–", "/", "+", "&")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; `caption` when it names the table below it."""

    text: str
    caption: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """A list item with its mark as a reader sees it: ``-``, ``1.``, ``(b)``."""

    marker: str
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Code:
    """Preformatted text."""

    text: str


@dataclass(slots=True)
class Cell:
    """A cell of a table; a value that is merged over rows or columns is one cell."""

    blocks: list[Block]
    columns: int = 1
    rows: int = 1
    header: bool = False
    _line: str | None = None

    @property
    def line(self) -> str:
        """Its words on one line; they are put together once, however deep tables are nested."""
        if self._line is None:
            self._line = line_of(self.blocks)
        return self._line


@dataclass(slots=True)
class TableBlock:
    """A table as its source describes it.

    Attributes:
        rows: the cells that begin in each row, from the left; None for a column without cell.
        header_rows: how many rows the source calls headings, None when it calls none so.
        layout: the source says that the table only arranges what is in it.
        widths: of the columns, in any unit, where the source tells them.
    """

    rows: list[list[Cell | None]]
    header_rows: int | None = None
    caption: str = ""
    layout: bool = False
    widths: list[int] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The table on one line, as it stands in a cell of another."""
        from pipeline.parsing.flowing.grids import table_line

        return table_line(self)


Block: TypeAlias = Paragraph | Heading | Item | Code | TableBlock


class ReadText(NamedTuple):
    """What was read of a file without pages.

    Attributes:
        scanned: the file holds pictures and no words.
    """

    markdown: str
    notes: tuple[Note, ...] = ()
    facts: dict[str, str] = {}  # noqa: RUF012  # nobody writes to it
    scanned: bool = False


def heading_or_paragraph(level: int, text: str) -> Heading | Paragraph:
    """A heading, if the text can be one: whole clauses are sometimes set in a heading's style."""
    longest = _MAX_SENTENCE_HEADING_CHARS if text.endswith(_SENTENCE_END) else _MAX_HEADING_CHARS
    line = " ".join(text.split())
    return Paragraph(text) if len(line) > longest else Heading(min(max(level, 1), 6), line)


def markdown_of(blocks: Sequence[Block]) -> str:
    """The Markdown of blocks in their order; items of one list follow each other closely."""
    parts: list[str] = []
    before: Block | None = None
    depths = _Depths()
    for block in _arranged(blocks):
        if not isinstance(block, Item):
            depths = _Depths()
        written = _written(block, depths)
        if not written.strip():
            continue
        parts.append(("\n" if _is_tight(before, block) else "\n\n") if parts else "")
        parts.append(written)
        before = block
    return "".join(parts)


def line_of(blocks: Sequence[Block]) -> str:
    """Blocks on one line, as they stand in a cell of a table."""
    line = ""
    for block in blocks:
        words = _words(block)
        if not words:
            continue
        if line:
            line += _separator(line, words)
        line += words
    return line


def _arranged(blocks: Sequence[Block]) -> Iterator[Block]:
    """Blocks with the contents of tables that only arrange things in place of those."""
    from pipeline.parsing.flowing.grids import contents_of_layout

    for block in blocks:
        inside = contents_of_layout(block) if isinstance(block, TableBlock) else None
        if inside is None:
            yield block
        else:
            yield from _arranged(inside)


def _written(block: Block, depths: _Depths) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {text}" if text else ""
        case Item(marker, text, level):
            return _item(marker, text, depths.indent(level, marker)) if text else ""
        case Code(text):
            return f"```\n{text}\n```" if text.strip() else ""
        case Paragraph(text, caption):
            return f"**{text.strip('*')}**" if caption and text else text
        case TableBlock():
            from pipeline.parsing.flowing.grids import table_text

            return table_text(block)


def _item(marker: str, text: str, indent: str) -> str:
    lines = text.split("\n")
    return "\n".join((f"{indent}{marker} {lines[0]}", *(f"{indent}  {line}" for line in lines[1:])))


class _Depths:
    """How far the items of a list are indented: below the text of the item they belong to."""

    def __init__(self) -> None:
        self._open: list[tuple[int, int]] = []

    def indent(self, level: int, marker: str) -> str:
        """The white space before an item of a level."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        indent = " " * sum(width for _, width in self._open)
        native = _NATIVE_MARKER.fullmatch(marker) is not None
        self._open.append((level, len(marker) + 1 if native else 0))
        return indent


def _is_tight(before: Block | None, block: Block) -> bool:
    if not isinstance(before, Item) or not isinstance(block, Item):
        return False
    if _NATIVE_MARKER.fullmatch(before.marker) and _NATIVE_MARKER.fullmatch(block.marker):
        return True
    return len(before.text) <= MAX_TIGHT_CHARS and len(block.text) <= MAX_TIGHT_CHARS


def _words(block: Block) -> str:
    match block:
        case Item(marker, text):
            text = text if marker == "-" else f"{marker} {text}"
        case TableBlock():
            text = block.line
        case _:
            text = block.text
    return " ".join(text.split())


def _separator(line: str, words: str) -> str:
    goes_on = words[0].islower() or words[0] in "(/&+-–"
    return " " if goes_on or line.endswith(_CLOSED) else "; "
