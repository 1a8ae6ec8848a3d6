"""Decides which rows of a table are its title and its header, and which are data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.layout import Box
from pipeline.parsing.pdf.drawn_lines import Grounds
from pipeline.parsing.pdf.filled_grid import FilledCell, FilledGrid

LEVELS = " / "
"""What joins the levels of a heading."""

_MAX_LEVELS = 3
_LOOKED_AT = 300
# Cells are so many times as long as the name of their column.
_LONGER, _LONGEST_NAME = 4, 8
_VALUE = re.compile(
    r"[$€£¥]|\d\s?%|\d(?:\d|[,.]++\d)\d\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b|^[A-Z]{0,3}\d{2,}+\b"
    r"|\b(?:no charge|not covered|not applicable)\b",
    re.IGNORECASE,
)


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a row holds amounts, codes or other values, which no header does."""
    return any(_VALUE.search(cell[:_LOOKED_AT]) for cell in cells)


def names_columns(first: Sequence[str], later: Sequence[Sequence[str]]) -> bool:
    """Whether a row that looks no different from the later ones names their columns.

    It does when it says no value where they do, or a word where they say sentences. Labels with
    their values beside them have no such row.
    """
    if looks_like_data(first) or any(":" in (cell[:1], cell[-1:]) for cell in first):
        return False
    if any(len(cell.split()) > _LONGEST_NAME for cell in first):
        return False
    return any(
        _differs(name, [row[column] for row in later if row[column]])
        for column, name in enumerate(first)
        if name
    )


def _differs(name: str, cells: Sequence[str]) -> bool:
    if len(cells) < 2:
        return False
    values = sum(looks_like_data([cell]) for cell in cells)
    words = sum(len(cell.split()) for cell in cells) / len(cells)
    return 2 * values >= len(cells) or words >= _LONGER * len(name.split())


def title_rows(table: FilledGrid) -> int:
    """How many of the first rows are one cell over all columns: what the table is called."""
    count = 0
    for row in table.rows[:-1]:
        cells = table.in_row(row)
        if len(cells) != 1 or cells[0].cell.right <= table.columns[-1][0]:
            break
        count += 1
    return count if count < len(table.rows) - 1 else 0


def header_rows(table: FilledGrid, titles: int) -> int:
    """How many rows below the titles name the columns; 0 when the first one is data."""
    first = table.rows[titles]
    cells = table.beginning_in(first)
    if not cells or not _looks_like_header(table, first, cells):
        return 0
    end = max(each.cell.bottom for each in cells)
    depth = sum(row < end for row in table.rows[titles:])
    if not any(_spans(table, each) for each in cells) or depth > _MAX_LEVELS:
        return 1
    if depth == 1 and len(table.rows) > titles + 2:
        # Two levels that are drawn as two full rows: the second names what the first one spans.
        second = table.beginning_in(table.rows[titles + 1])
        if len(second) > 1 and not looks_like_data([each.text for each in second]):
            return 2 if is_styled(table, table.rows[titles + 1]) else 1
    return depth


def _spans(table: FilledGrid, each: FilledCell) -> bool:
    inside = (left >= each.cell.left and right <= each.cell.right for left, right in table.columns)
    return sum(inside) > 1


def _looks_like_header(table: FilledGrid, row: int, cells: Sequence[FilledCell]) -> bool:
    values = [looks_like_data([each.text]) for each in cells]
    if is_styled(table, row):
        return not all(values)
    if len(table.columns) > 2:
        return not any(values)
    texts = table.texts()
    at = table.rows.index(row)
    return names_columns(texts[at], texts[at + 1 :])


def is_styled(table: FilledGrid, row: int) -> bool:
    """Whether a row is bold, or stands on another ground, where the later ones are not."""
    cells = table.beginning_in(row)
    later = [each for each in table.cells if each.cell.top > row and each.words]
    if not cells or not later:
        return False
    if all(word.bold for each in cells for word in each.words):
        return not all(word.bold for each in later for word in each.words[:3])
    here = _ground(table.box_of(cells[-1]), table.grounds)
    grounds = [_ground(table.box_of(each), table.grounds) for each in later]
    # Rows that alternate between two colors are no headers of each other.
    return grounds.count(here) <= len(grounds) // 5


def _ground(box: Box, grounds: Grounds) -> str:
    # Near its corner, where no word's own background lies.
    return grounds.color_at(box.left + 2.0, box.top + 2.0)


def header_of(levels: Sequence[tuple[str, ...]], columns: int) -> tuple[str, ...]:
    """One name a column from the rows of a header, the levels joined."""
    if not levels:
        return ()
    return tuple(
        LEVELS.join(dict.fromkeys(level[column] for level in levels if level[column]))
        for column in range(columns)
    )
