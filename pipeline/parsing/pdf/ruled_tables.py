"""Tables from grids: words are put into cells, and cells into rows with their header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pipeline.layout import Box
from pipeline.parsing.pdf.drawn_lines import color_at
from pipeline.parsing.pdf.ink import Fill, Rule, Word, holds
from pipeline.parsing.pdf.lines import line_text, lines_of
from pipeline.parsing.pdf.rulings import Cell, Grid, grids

LEVELS = " / "
"""What joins the levels of a heading."""

# A form is ruled too; a table's rows are alike. So many edges for each cell of its fullest row say
# that the lines are those of a form.
_MAX_EDGES_PER_COLUMN = 2.6
_MIN_FULL_ROWS = 0.4
_VALUE = re.compile(
    r"[$€£¥]|\d+\s?%|\d[\d,.]*\d\d\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b|^[A-Z]{0,3}\d{2,}\b"
    r"|\b(?:copay|coinsurance|no charge|not covered|not applicable|none|included|excluded)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class TableRow:
    """A row: one text a column, and where it stands."""

    cells: tuple[str, ...]
    box: Box


@dataclass(slots=True)
class RuledTable:
    """A table of a page.

    Attributes:
        header: one name a column; empty when the table shows none.
        words: those that it took, so that nobody else writes them again.
        styled: the header looks different from the rows, not only without amounts.
        ruled_rows: how many rows the lines draw, those of the header included.
        edges: the x of its columns' edges.
        title: a row over all columns, above the header.
        header_box: where title and header stand.
    """

    box: Box
    header: tuple[str, ...]
    rows: list[TableRow]
    words: list[Word]
    edges: tuple[float, ...]
    title: str = ""
    header_box: Box | None = None
    ruled_rows: int = 0
    styled: bool = False


@dataclass(slots=True)
class _Filled:
    """A cell with its words."""

    cell: Cell
    words: list[Word] = field(default_factory=list)
    text: str = ""


def ruled_tables(
    rules: Sequence[Rule], fills: Sequence[Fill], words: Sequence[Word]
) -> list[RuledTable]:
    """The tables that the lines of a page draw, from top to bottom."""
    tables: list[RuledTable] = []
    taken: set[int] = set()
    # A table within a cell of another one is read first; its words are not those of the outer one.
    for grid in sorted(grids(rules), key=lambda g: _area(g.box)):
        free = [word for word in words if word.order not in taken and word.turn == 0]
        table = _table(grid, fills, free)
        if table is not None:
            tables.append(table)
            taken.update(word.order for word in table.words)
    return sorted(tables, key=lambda table: (table.box.top, table.box.left))


def _area(box: Box) -> float:
    return (box.right - box.left) * (box.bottom - box.top)


def _table(grid: Grid, fills: Sequence[Fill], words: Sequence[Word]) -> RuledTable | None:
    filled = _fill(grid, words)
    inside = [word for each in filled for word in each.words]
    if not inside:
        return None
    for each in filled:
        each.text = cell_text(each.words)
    columns = _columns(grid, filled)
    rows = [row for row in range(len(grid.ys) - 1) if _is_shown(row, filled)]
    if len(columns) < 2 or len(rows) < 2 or not _is_regular(filled, columns, rows):
        return None
    lookup = _lookup(filled)
    lines = [_line(lookup, row, columns) for row in rows]
    boxes = [Box(grid.xs[0], grid.ys[row], grid.xs[-1], grid.ys[row + 1]) for row in rows]
    title_rows = _titles(filled, rows, columns)
    depth = _header_depth(filled, rows, columns, title_rows, fills, grid)
    body = range(title_rows + depth, len(rows))
    header = _header([lines[i] for i in range(title_rows, title_rows + depth)], len(columns))
    first = title_rows + depth - 1
    return RuledTable(
        box=grid.box,
        header=header,
        rows=[TableRow(lines[i], boxes[i]) for i in body if any(lines[i])],
        words=inside,
        edges=(*(grid.xs[column[0]] for column in columns), grid.xs[-1]),
        title=" ".join(dict.fromkeys(t for i in range(title_rows) for t in lines[i] if t)),
        header_box=Box(grid.xs[0], grid.ys[rows[0]], grid.xs[-1], grid.ys[rows[first] + 1])
        if first >= 0
        else None,
        ruled_rows=len(rows),
        styled=depth > 0 and _is_styled(filled, rows[title_rows], fills, grid),
    )


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a row holds amounts, codes or other values, which no header does."""
    return any(_VALUE.search(cell) for cell in cells)


def _fill(grid: Grid, words: Sequence[Word]) -> list[_Filled]:
    filled = [_Filled(cell) for cell in grid.cells]
    boxes = [grid.box_of(cell) for cell in grid.cells]
    for word in words:
        x, y = word.middle
        if not holds(grid.box, x, y):
            continue
        for each, box in zip(filled, boxes, strict=True):
            if holds(box, x, y):
                each.words.append(word)
                break
    return filled


def cell_text(words: Sequence[Word]) -> str:
    """The lines of a cell; they are joined when all words of the document are known."""
    return "\n".join(line_text(line) for line in lines_of(words))


def _columns(grid: Grid, filled: Sequence[_Filled]) -> list[tuple[int, int]]:
    """Runs of elementary columns that make one: no cell with words ends between them."""
    edges = {0, len(grid.xs) - 1}
    for each in filled:
        if each.words:
            edges |= {each.cell.left, each.cell.right}
    ordered = sorted(edges)
    runs = list(pairwise(ordered))
    # A spacer column, or one in which nothing stands but what spans it, says nothing.
    return [
        run
        for run in runs
        if any(each.words and run[0] <= each.cell.left < run[1] for each in filled)
    ] or runs


def _is_shown(row: int, filled: Sequence[_Filled]) -> bool:
    """Whether something begins in this row; a line through nothing makes no row."""
    return any(each.words and each.cell.top == row for each in filled) or all(
        not each.words for each in filled if each.cell.top <= row < each.cell.bottom
    )


def _is_regular(
    filled: Sequence[_Filled], columns: Sequence[tuple[int, int]], rows: Sequence[int]
) -> bool:
    counts = [
        sum(bool(each.words) and each.cell.top <= row < each.cell.bottom for each in filled)
        for row in rows
    ]
    fullest = max(counts)
    if fullest < 2 or len(columns) > _MAX_EDGES_PER_COLUMN * fullest:
        return False
    return sum(count >= 2 for count in counts) >= _MIN_FULL_ROWS * len(counts)


def _lookup(filled: Sequence[_Filled]) -> dict[tuple[int, int], _Filled]:
    return {
        (row, column): each
        for each in filled
        for row in range(each.cell.top, each.cell.bottom)
        for column in range(each.cell.left, each.cell.right)
    }


def _line(
    lookup: dict[tuple[int, int], _Filled], row: int, columns: Sequence[tuple[int, int]]
) -> tuple[str, ...]:
    """The texts of a row; what is merged over columns stands in each, over all of them in one."""
    found = [lookup.get((row, left)) for left, _ in columns]
    if len({id(each) for each in found}) == 1 and found[0] is not None:
        return (found[0].text, *("" for _ in columns[1:]))
    return tuple(each.text if each is not None else "" for each in found)


def _titles(
    filled: Sequence[_Filled], rows: Sequence[int], columns: Sequence[tuple[int, int]]
) -> int:
    """How many of the first rows are one cell over all columns: the table's name."""
    count = 0
    for row in rows[: len(rows) - 1]:
        cells = [e for e in filled if e.words and e.cell.top <= row < e.cell.bottom]
        if len(cells) != 1 or cells[0].cell.right - cells[0].cell.left < columns[-1][0]:
            break
        count += 1
    return count if count < len(rows) - 1 else 0


def _header_depth(
    filled: Sequence[_Filled],
    rows: Sequence[int],
    columns: Sequence[tuple[int, int]],
    titles: int,
    fills: Sequence[Fill],
    grid: Grid,
) -> int:
    """How many rows below the titles name the columns; 0 when the first one is data."""
    first = rows[titles]
    cells = [e for e in filled if e.cell.top == first and e.words]
    if not cells or not _looks_like_header(cells, filled, first, fills, grid):
        return 0
    end = max(each.cell.bottom for each in cells)
    spans = any(
        sum(left >= e.cell.left and right <= e.cell.right for left, right in columns) > 1
        for e in cells
    )
    depth = sum(row < end for row in rows[titles:])
    if not spans or depth > 3:
        return 1
    if depth == 1 and len(rows) > titles + 2:
        # Two levels that are drawn as two full rows: the second names what the first one spans.
        second = [e for e in filled if e.cell.top == rows[titles + 1] and e.words]
        if second and not any(_VALUE.search(e.text) for e in second):
            styled = _looks_like_header(second, filled, rows[titles + 1], fills, grid)
            return 2 if styled else 1
    return depth


def _looks_like_header(
    cells: Sequence[_Filled],
    filled: Sequence[_Filled],
    row: int,
    fills: Sequence[Fill],
    grid: Grid,
) -> bool:
    values = [bool(_VALUE.search(each.text)) for each in cells]
    if _is_styled(filled, row, fills, grid):
        return not all(values)
    return not any(values)


def _is_styled(filled: Sequence[_Filled], row: int, fills: Sequence[Fill], grid: Grid) -> bool:
    """Whether a row is bold, or stands on another ground, where the later ones are not."""
    cells = [each for each in filled if each.cell.top == row and each.words]
    later = [each for each in filled if each.cell.top > row and each.words]
    if not cells or not later:
        return False
    if all(word.bold for each in cells for word in each.words):
        return not all(word.bold for each in later for word in each.words[:3])
    here = _ground(grid.box_of(cells[-1].cell), fills)
    grounds = [_ground(grid.box_of(each.cell), fills) for each in later]
    # Rows that alternate between two colors are no headers of each other.
    return grounds.count(here) <= len(grounds) // 5


def _ground(box: Box, fills: Sequence[Fill]) -> str:
    # Near its corner, where no word's own background lies.
    return color_at(box.left + 2.0, box.top + 2.0, fills)


def _header(levels: Sequence[tuple[str, ...]], columns: int) -> tuple[str, ...]:
    if not levels:
        return ()
    return tuple(
        LEVELS.join(dict.fromkeys(level[column] for level in levels if level[column]))
        for column in range(columns)
    )
