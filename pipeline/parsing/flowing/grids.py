"""Expands tables with merged cells into grids: merged values in each place they cover."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from pipeline.parsing.flowing.blocks import Block, Cell, Heading, TableBlock
from pipeline.parsing.flowing.tables_in_markdown import table_markdown

MAX_SPAN = 1000
MAX_SLOTS = 400_000
"""A table whose merged cells would fill more places than this is read without merging."""

_MIN_WIDTH_SHARE = 0.02
"""A narrower column that no cell has to itself comes from borders that do not quite meet."""
_MAX_HEADER_CHARS = 80
_MAX_TITLES = 3
# What stands in a row of values and hardly ever in a heading: money, percentages, check boxes.
_VALUE = re.compile(r"[$€£]\s?\d|\d\s?%|^\[[x ]\]$|:$")
_EMPHASIS = re.compile(r"(\*\*\*|\*\*|\*)(?=[^\s*])([^*]{1,400})(?<=[^\s*])\1")

Row = list[Cell | None]


def table_text(table: TableBlock) -> str:
    """The Markdown of a table with its caption above."""
    caption, header, rows = _read(table)
    written = table_markdown(header, rows)
    return f"**{caption}**\n\n{written}" if caption and written else written or caption


def table_line(table: TableBlock) -> str:
    """A table on one line, as it stands in a cell of another: ``a: b; c: d``."""
    caption, header, rows = _read(table)
    named = len(header) > 2 and any(header)
    lines = [_named(header, row) if named else _joined(row) for row in rows]
    if any(header) and not named:
        lines.insert(0, _joined(header))
    line = "; ".join(filter(None, lines))
    return f"{caption}: {line}" if caption and line else line or caption


def contents_of_layout(table: TableBlock) -> list[Block] | None:
    """The blocks of a table that only arranges them, in order; None for a table of values."""
    rows = [row for row in table.rows if _has_words(row)]
    cells = [cell for row in rows for cell in row if cell and cell.line]
    if not table.layout and not _only_arranges(table, rows, cells):
        return None
    caption: list[Block] = [Heading(6, table.caption)] if table.caption else []
    return caption + [block for cell in cells for block in cell.blocks]


def _only_arranges(table: TableBlock, rows: list[Row], cells: list[Cell]) -> bool:
    if not cells:
        return True
    if table.header_rows or table.caption or any(cell.header for cell in cells):
        return False
    if max(sum(bool(_words(cell)) for cell in row) for row in rows) == 1:
        return True  # one column
    if any(isinstance(block, Heading) for cell in cells for block in cell.blocks):
        return True
    if len(rows) == 1:
        return any(not _is_simple(cell) for cell in cells)
    return _nested_share(cells) > 0.6


def _is_simple(cell: Cell) -> bool:
    return len(cell.blocks) <= 1 and not isinstance(cell.blocks[0], TableBlock)


def _nested_share(cells: Iterable[Cell]) -> float:
    """Which share of the characters stands in tables within the table."""
    nested = sum(
        len(block.line) for c in cells for block in c.blocks if isinstance(block, TableBlock)
    )
    return nested / max(1, sum(len(cell.line) for cell in cells))


def _read(table: TableBlock) -> tuple[str, list[str], list[list[str]]]:
    grid = [row for row in _without_doubles(_grid(table), table.widths) if _has_words(row)]
    grid = _without_empty_columns(grid)
    declared, titles = table.header_rows, _titles(grid)
    captions = [table.caption, *(_plain(_words(row[0])) for row in grid[:titles])]
    if declared:
        declared = declared - titles if declared > titles else None
    grid = grid[titles:]
    count = _header_rows(grid, declared)
    caption = " – ".join(filter(None, captions))
    return caption, _header(grid[:count]), [_values(row) for row in grid[count:]]


def _titles(grid: list[Row]) -> int:
    """How many rows at the top name the table: one cell each, and no section of it.

    A row of one cell further down begins a section, and so does the first then; unless the
    names of the columns stand between the two.
    """
    bands = [_is_band(row) for row in grid]
    count = next((n for n, is_band in enumerate(bands) if not is_band), len(grid))
    below = bands[count:]
    while below and below[-1]:
        below.pop()  # remarks at the foot
    if not 0 < count <= _MAX_TITLES or len(below) < 2:
        return 0
    return count if not any(below) or below[1] else 0


def _grid(table: TableBlock) -> list[Row]:
    """The cell in every place: a merged one is in each of the places that it covers."""
    if _places(table) > MAX_SLOTS:
        return _filled([list(row) for row in table.rows])
    grid: list[Row] = []
    carried: dict[int, tuple[Cell, int]] = {}
    for starting in table.rows:
        row: Row = []
        for cell in starting:
            _carry(row, carried)
            row.extend([cell] * (min(cell.columns, MAX_SPAN) if cell else 1))
            if cell and cell.rows > 1:
                places = range(len(row) - min(cell.columns, MAX_SPAN), len(row))
                carried.update((place, (cell, cell.rows - 1)) for place in places)
        _carry(row, carried, to_end=True)
        carried = _next_row(carried, starting)
        grid.append(row)
    return _filled(grid)


def _places(table: TableBlock) -> int:
    """How many places the grid of a table has, at most."""
    left = len(table.rows)
    places = 0
    for at, row in enumerate(table.rows):
        places += sum(min(c.columns, MAX_SPAN) * min(c.rows, left - at) if c else 1 for c in row)
    return places


def _carry(row: Row, carried: dict[int, tuple[Cell, int]], *, to_end: bool = False) -> None:
    """Puts the cells of rows above into a row, up to the next free place or to the end."""
    last = max(carried, default=-1)
    while len(row) in carried or (to_end and len(row) <= last):
        row.append(carried[len(row)][0] if len(row) in carried else None)


def _next_row(carried: dict[int, tuple[Cell, int]], started: Row) -> dict[int, tuple[Cell, int]]:
    new = {id(cell) for cell in started if cell}
    left = {
        place: (cell, rows if id(cell) in new else rows - 1)
        for place, (cell, rows) in carried.items()
    }
    return {place: each for place, each in left.items() if each[1] > 0}


def _filled(grid: list[Row]) -> list[Row]:
    width = max(map(len, grid), default=0)
    return [row + [None] * (width - len(row)) for row in grid]


def _without_doubles(grid: list[Row], widths: list[int]) -> list[Row]:
    """Drops columns that no cell has to itself: they show only where borders were dragged."""
    columns = range(len(grid[0]) if grid else 0)
    kept = [c for c in columns if not _is_double(grid, c) and not _is_sliver(grid, c, widths)]
    return [[row[c] for c in kept] for row in grid]


def _is_double(grid: list[Row], column: int) -> bool:
    return column > 0 and all(row[column] is row[column - 1] for row in grid)


def _is_sliver(grid: list[Row], column: int, widths: list[int]) -> bool:
    if column >= len(widths) or widths[column] > _MIN_WIDTH_SHARE * sum(widths):
        return False
    return all(_reaches_beyond(row, column) for row in grid)


def _reaches_beyond(row: Row, column: int) -> bool:
    cell = row[column]
    beside = [row[c] for c in (column - 1, column + 1) if 0 <= c < len(row)]
    return cell is None or not _words(cell) or any(each is cell for each in beside)


def _without_empty_columns(grid: list[Row]) -> list[Row]:
    kept = [c for c in range(len(grid[0]) if grid else 0) if any(_words(row[c]) for row in grid)]
    return [[row[c] for c in kept] for row in grid]


def _has_words(row: Row) -> bool:
    return any(_words(cell) for cell in row)


def _words(cell: Cell | None) -> str:
    return cell.line if cell else ""


def _is_band(row: Row) -> bool:
    """Whether one cell spans a whole row of several columns."""
    return len(row) > 1 and row[0] is not None and all(cell is row[0] for cell in row)


def _header_rows(grid: list[Row], declared: int | None) -> int:
    if declared:
        return min(declared, len(grid))
    if len(grid) < 2 or declared == 0 or _is_band(grid[0]):
        return 0
    first = [_plain(_words(cell)) for cell in grid[0]]
    if any(_VALUE.search(each) or len(each) > _MAX_HEADER_CHARS for each in first):
        return 0
    if not any(a is b and a is not None for a, b in zip(grid[0], grid[1], strict=True)):
        return 1
    return 2 if len(grid) > 2 and _has_two_levels(grid) else 0  # a value that spans rows


def _has_two_levels(grid: list[Row]) -> bool:
    """Whether a first row, of which a cell spans two rows, has a name for several columns."""
    top = grid[0]
    return any(a is b and a is not None for a, b in pairwise(top))


def _header(rows: list[Row]) -> list[str]:
    """The name of each column, its levels joined; a level that is merged down is named once."""
    names: list[str] = []
    for column in range(len(rows[0]) if rows else 0):
        levels = (_plain(_words(row[column])) for row in rows)
        names.append(" / ".join(dict.fromkeys(filter(None, levels))))
    return names


def _values(row: Row) -> list[str]:
    words = [_plain(_words(cell)) for cell in row]
    return [words[0], *[""] * (len(words) - 1)] if _is_band(row) else words


def _plain(words: str) -> str:
    """A cell's words without the emphasis that is on all of them."""
    whole = _EMPHASIS.fullmatch(words)
    return whole[2] if whole else words


def _named(header: list[str], row: list[str]) -> str:
    pairs = zip(header, row, strict=False)
    return ", ".join(f"{name}: {value}" if name else value for name, value in pairs if value)


def _joined(row: list[str]) -> str:
    cells = [cell for cell in row if cell]
    if len(cells) == 2 and not cells[0].endswith(":"):
        return ": ".join(cells)
    return " ".join(cells) if len(cells) == 2 else ", ".join(cells)
