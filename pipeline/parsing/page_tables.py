"""The tables in a page's Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")
_BLOCK = re.compile(r"(?:^\|.*\|[ \t]*(?:\n|\Z))+", re.MULTILINE)
_RULE = re.compile(r"\|[\s:|-]+\|\s*")
_CELL_BORDER = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class PageTable:
    """A Markdown table: its source text and its cells, row by row, the heading row first."""

    markdown: str
    rows: tuple[tuple[str, ...], ...]

    def words(self) -> list[str]:
        """All words, row by row."""
        return [word for row in self.rows for cell in row for word in words(cell)]

    def has_empty_column(self) -> bool:
        """Whether some column holds nothing, not even a heading."""
        width = max(map(len, self.rows))
        return len(self.rows) > 1 and any(
            not any(row[column] for row in self.rows if column < len(row))
            for column in range(width)
        )


def words(text: str) -> list[str]:
    """The runs of letters and digits of a text, in lower case."""
    return _WORD.findall(text.lower())


def page_tables(markdown: str) -> list[PageTable]:
    """The tables of a page, in their order."""
    return [_table(match[0].rstrip("\n")) for match in _BLOCK.finditer(markdown)]


def _table(source: str) -> PageTable:
    lines = (line for line in source.split("\n") if not _RULE.fullmatch(line))
    rows = (
        tuple(cell.strip() for cell in _CELL_BORDER.split(line.strip())[1:-1]) for line in lines
    )
    return PageTable(source, tuple(rows) or ((),))
