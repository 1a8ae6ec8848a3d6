"""Finds the column names of each table, also of one that goes on from the page before."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from pipeline.chunking.blocks import Block, BlockKind
from pipeline.documents import ParsedDocument
from pipeline.layout import Table
from pipeline.text import fold

NOWHERE = -1
_CAPTION_CHARS = 120
_CAPTION_SENTENCE_WORDS = 8
_HTML_HEAD_CHARS = 4_000
_SIMILAR_SHARE = 0.6

_BORDER = re.compile(r"(?<!\\)\|")
_DELIMITERS = re.compile(r"\A[ \t]*+\|?[ \t]*+:?-[-:| \t]*+")
_HTML_ROW_END = re.compile(r"</tr\b|<tr\b", re.IGNORECASE)
_HTML_CELL = re.compile(r"<t[hd]\b[^<>]{0,300}>([^<]{0,300})", re.IGNORECASE)
_MARKS = re.compile(r"\*\*|__|`|<br\s?/?>|<[^<>\n]{1,200}>|\\(?=\|)")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Head:
    """What a reader of a table's row needs to know of the table.

    Attributes:
        caption: the line that names the table; empty when there is none.
        columns: the names of its columns; empty when they have none.
        caption_at, header_at: the offsets in the document's text at which they are printed,
            `NOWHERE` when they are not.
    """

    caption: str
    columns: tuple[str, ...]
    caption_at: int
    header_at: int


class _Rows:
    """The rows of a Markdown table, read when they are asked for."""

    def __init__(self, text: str, block: Block) -> None:
        self._lines = text[block.start : block.end].strip().split("\n")

    @property
    def has_header(self) -> bool:
        return len(self._lines) > 1 and _DELIMITERS.fullmatch(self._lines[1]) is not None

    @property
    def first(self) -> tuple[str, ...]:
        return cells_of(self._lines[0])

    @property
    def body(self) -> list[tuple[str, ...]]:
        return [cells_of(line) for line in self._lines[2 if self.has_header else 0 :]]

    @property
    def header(self) -> tuple[str, ...]:
        """The printed header: the first row, or the one below a first row without words."""
        if not self.has_header:
            return ()
        if any(self.first):
            return self.first
        second, *rest = self.body[:4] or [()]
        named = bool(second) and all(second) and not any(map(_DIGIT.search, second))
        return second if named and any(_DIGIT.search(" ".join(row)) for row in rest) else ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last table before a place."""

    block: Block
    index: int
    head: Head


def heads_of(document: ParsedDocument, blocks: Sequence[Block]) -> dict[int, Head]:
    """The heads of a document's tables, by the offset at which each table's block begins."""
    heads: dict[int, Head] = {}
    given: list[tuple[int, Table]] | None = None
    last: _Seen | None = None
    for index, block in enumerate(blocks):
        if block.kind is BlockKind.TABLE:
            given = _given_tables(document) if given is None else given
            head = _head(document.text, blocks, index, last, _given(given, block))
        elif block.kind is BlockKind.HTML:
            head = _html_head(document.text, blocks, index, last)
        else:
            continue
        heads[block.start] = head
        last = _Seen(block, index, head)
    return heads


def cells_of(row: str) -> tuple[str, ...]:
    """The cells of a Markdown row, without their marks."""
    parts = _BORDER.split(row.strip())
    inner = parts[bool(parts) and not parts[0].strip() :]
    if len(inner) > 1 and not inner[-1].strip():
        inner = inner[:-1]
    return tuple(" ".join(_MARKS.sub(" ", cell).split()) for cell in inner)


def _given_tables(document: ParsedDocument) -> list[tuple[int, Table]]:
    return [
        (start + table.start, table)
        for start, page in zip(document.page_starts, document.pages, strict=True)
        for table in page.tables
    ]


def _given(tables: list[tuple[int, Table]], block: Block) -> Table | None:
    """The parser's table in which a block begins."""
    index = bisect_right(tables, block.start, key=lambda each: each[0]) - 1
    if index < 0:
        return None
    start, table = tables[index]
    return table if block.start < start + (table.end - table.start) else None


def _head(
    text: str, blocks: Sequence[Block], index: int, last: _Seen | None, given: Table | None
) -> Head:
    block = blocks[index]
    rows = _Rows(text, block)
    before = last.head if last is not None and _goes_on(text, blocks, index, last, given) else None
    if before is not None:
        columns = (given.header if given else ()) or before.columns
        printed = bool(rows.first) and _same(rows.first, columns)
        at = block.start if printed else before.header_at
        return Head(before.caption, columns, before.caption_at, at)
    caption, caption_at = _caption(text, blocks, index, given)
    if given is not None and given.header:
        printed = not given.continues or _same(rows.first, given.header)
        return Head(caption, given.header, caption_at, block.start if printed else NOWHERE)
    return Head(caption, rows.header, caption_at, block.start)


def _goes_on(
    text: str, blocks: Sequence[Block], index: int, last: _Seen, given: Table | None
) -> bool:
    """Whether a table goes on from the page before: as the parser says, else by its looks."""
    if given is not None:
        return given.continues
    block = blocks[index]
    if block.page != last.block.page + 1 or not _only_thin(blocks[last.index + 1 : index]):
        return False
    rows, before = _Rows(text, block), _Rows(text, last.block)
    if len(rows.first) != len(last.head.columns):
        return False
    return (
        not rows.has_header
        or _same(rows.first, last.head.columns)
        or _is_data(rows.first, last.head.columns, before.body)
    )


def _only_thin(between: Sequence[Block]) -> bool:
    return all(block.thin for block in between)


def _is_data(row: Sequence[str], header: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a row in a header's place has a number where the rows have one and the header not."""
    for column, (cell, name) in enumerate(zip(row, header, strict=True)):
        if _DIGIT.search(name) or not _DIGIT.search(cell):
            continue
        own = [each[column] for each in body if column < len(each)]
        if own and sum(map(bool, map(_DIGIT.search, own))) >= _SIMILAR_SHARE * len(own):
            return True
    return False


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    return [fold(a).casefold() for a in one] == [fold(b).casefold() for b in other]


def _caption(
    text: str, blocks: Sequence[Block], index: int, given: Table | None
) -> tuple[str, int]:
    """The caption and where it stands: what the parser says, else a short line right above."""
    block = blocks[index]
    above = next((each for each in blocks[max(0, index - 2) : index][::-1] if not each.thin), None)
    if given is not None and given.caption:
        near = text.rfind(given.caption, max(0, block.start - 1_000), block.start)
        if above is not None and above.start <= near:
            above.joined = True
        return given.caption, near
    if above is None or above.kind is not BlockKind.PARAGRAPH or above.page != block.page:
        return "", NOWHERE
    line = text[above.start : above.end].strip()
    if above.lines > 1 or not _names_a_table(line):
        return "", NOWHERE
    above.joined = True
    return _MARKS.sub("", line), above.start


def _names_a_table(line: str) -> bool:
    if len(line) > _CAPTION_CHARS or line.endswith((",", ";")) or line[0].islower():
        return False
    return not line.endswith(".") or line.count(" ") < _CAPTION_SENTENCE_WORDS


def _html_head(text: str, blocks: Sequence[Block], index: int, last: _Seen | None) -> Head:
    """The head of a table in HTML; rows after a blank line are still of the table before them."""
    block = blocks[index]
    source = text[block.start : min(block.end, block.start + _HTML_HEAD_CHARS)]
    if "<table" not in source.lower():
        follows = last is not None and last.index == index - 1
        if last is not None and follows and last.block.kind is BlockKind.HTML:
            return last.head
        return Head("", (), NOWHERE, block.start)
    parts = _HTML_ROW_END.split(source, maxsplit=2)
    cells = _HTML_CELL.findall(parts[1] if len(parts) > 1 else "")
    columns = tuple(" ".join(unescape(cell).split()) for cell in cells)
    caption, caption_at = _caption(text, blocks, index, None)
    return Head(caption, columns if any(columns) else (), caption_at, block.start)
