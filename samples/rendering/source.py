"""A source: settings in YAML between two `---` lines, then the text in Markdown.

The Markdown is a subset: headings, paragraphs, lists, tables, and rules, which start a new page
where the format has pages: `---` a page of full width, `***` one in columns. Inside a line,
`**bold**` is the only markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

SOURCE_SUFFIX = ".in"


@dataclass(frozen=True, slots=True)
class Source:
    """What one file of `samples/content` says.

    Attributes:
        file_name: the file to make; the source's own name without `.in`.
        settings: what stands between the `---` lines.
        markdown: what follows.
    """

    file_name: str
    settings: dict[str, Any]
    markdown: str

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read a source file; it is UTF-8."""
        _, settings, markdown = path.read_text(encoding="utf-8").split("---\n", 2)
        name = path.name.removesuffix(SOURCE_SUFFIX)
        return cls(name, yaml.safe_load(settings), markdown.lstrip("\n"))


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text in one weight."""

    text: str
    bold: bool = False


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title of the document."""

    level: int
    line: Line


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    line: Line


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item; `marker` is its number with a dot, or a bullet."""

    marker: str
    line: Line


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first row is its head. `right` says which columns are set to the right."""

    rows: tuple[tuple[Line, ...], ...]
    right: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class PageBreak:
    """A new page begins here, set in the document's columns or across the whole width."""

    in_columns: bool


Block = Heading | Paragraph | ListItem | Table | PageBreak


def markdown_parser() -> MarkdownIt:
    """CommonMark with tables."""
    return MarkdownIt("commonmark").enable("table")


def read_blocks(markdown: str) -> list[Block]:
    """The blocks of a text, in order."""
    return list(_blocks(iter(markdown_parser().parse(markdown))))


def _blocks(tokens: Iterator[Token]) -> Iterator[Block]:
    marker: str | None = None
    for token in tokens:
        match token.type:
            case "heading_open":
                yield Heading(int(token.tag[1]), _line(next(tokens)))
            case "list_item_open":
                marker = f"{token.info}." if token.info else "•"
            case "paragraph_open":
                line = _line(next(tokens))
                yield ListItem(marker, line) if marker else Paragraph(line)
                marker = None
            case "table_open":
                yield _table(tokens)
            case "hr":
                yield PageBreak(in_columns="*" in token.markup)


def _table(tokens: Iterator[Token]) -> Table:
    rows: list[tuple[Line, ...]] = []
    cells: list[Line] = []
    right: list[bool] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "inline":
            cells.append(_line(token))
        if token.type == "th_open":
            right.append("right" in str(token.attrs.get("style", "")))
        if token.type == "tr_close":
            rows.append(tuple(cells))
            cells = []
    return Table(tuple(rows), tuple(right))


def _line(inline: Token) -> Line:
    spans: list[Span] = []
    bold = False
    for token in inline.children or []:
        if token.type in ("strong_open", "strong_close"):
            bold = token.type == "strong_open"
        elif token.type == "softbreak":
            spans.append(Span(" ", bold))
        elif token.content:
            spans.append(Span(token.content, bold))
    return tuple(spans)
