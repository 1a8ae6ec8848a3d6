"""Fills borderless tables: where the layout reader sees cells, the page's words are put in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipeline.layout import Box
from pipeline.parsing.pdf.filled_grid import cell_text
from pipeline.parsing.pdf.guessed_rows import joined_rows
from pipeline.parsing.pdf.ink import Block, Rule, Word, around, holds
from pipeline.parsing.pdf.lines import lines_of
from pipeline.parsing.pdf.pieces import TableDraft
from pipeline.parsing.pdf.table_headers import looks_like_data, names_columns

# Of the printed lines so many may stand in two rows at once before the rows are torn apart.
_MAX_TORN = 0.2
# Cells of a row stand apart by so many heights of their letters; words of a sentence do not.
_APART = 1.4
_MAX_CLOSE = 0.4
_LONG_CELL = 4
# Cells times words; a page with more is no table that somebody reads.
_MOST_LOOKS = 3_000_000
# Of the long cells so many may go on in the middle of a sentence before all is prose.
_MAX_CONTINUED = 0.35


def guessed_table(
    block: Block, words: Sequence[Word], rules: Sequence[Rule] = ()
) -> TableDraft | None:
    """The table that a block may be; None when its rows would tear printed lines apart."""
    if sum(map(len, block.cells)) * len(words) > _MOST_LOOKS:
        return None
    lines = _with_columns(_filled(block, words))
    if not lines or len(lines[0]) < 2 or _is_torn(lines) or _is_close(lines):
        return None
    grid = joined_rows(lines, rules, block.box)
    rows = [tuple(map(cell_text, row)) for row in grid]
    if len(rows) < 2 or _is_prose(rows):
        return None
    boxes = [_row_box(row, block.box) for row in grid]
    if not _is_header(grid, rows):
        return TableDraft((), rows, boxes)
    return TableDraft(rows[0], rows[1:], boxes[1:], header_box=boxes[0])


def _with_columns(grid: Sequence[list[list[Word]]]) -> list[list[list[Word]]]:
    """The rows that hold words, each with a cell for each column that holds some."""
    width = max(map(len, grid), default=0)
    padded = [[*row, *([] for _ in range(width - len(row)))] for row in grid if any(row)]
    columns = [column for column in range(width) if any(row[column] for row in padded)]
    return [[row[column] for column in columns] for row in padded]


def _is_header(grid: Sequence[Sequence[Sequence[Word]]], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: by its letters, or by what it says."""
    bold = [[word.bold for cell in row for word in cell] for row in grid if any(row)]
    if all(bold[0]) and not all(all(row) for row in bold[1:]):
        return not looks_like_data(rows[0])
    return names_columns(rows[0], rows[1:])


def _filled(block: Block, words: Sequence[Word]) -> list[list[list[Word]]]:
    """Every word in the cell that holds its center, else in the nearest one."""
    grid: list[list[list[Word]]] = [[[] for _ in row] for row in block.cells]
    places = [
        (box, grid[r][c])
        for r, row in enumerate(block.cells)
        for c, box in enumerate(row)
        if box is not None
    ]
    for word in words:
        x, y = word.middle
        inside = next((cell for box, cell in places if holds(box, x, y)), None)
        if inside is None:
            inside = min(places, key=lambda place: _distance(place[0], x, y))[1]
        inside.append(word)
    return grid


def _distance(box: Box, x: float, y: float) -> float:
    across = max(box.left - x, 0.0, x - box.right)
    # Rows are near each other; a word belongs to its own line first.
    down = max(box.top - y, 0.0, y - box.bottom)
    return across + 4 * down


def _is_torn(grid: Sequence[Sequence[Sequence[Word]]]) -> bool:
    row_of = {id(word): number for number, row in enumerate(grid) for cell in row for word in cell}
    lines = lines_of(word for row in grid for cell in row for word in cell)
    torn = sum(len({row_of[id(word)] for word in line}) > 1 for line in lines)
    return torn > _MAX_TORN * len(lines)


def _is_close(grid: Sequence[Sequence[Sequence[Word]]]) -> bool:
    """Whether the cells of most rows are as near to each other as words of a sentence."""
    close = parted = 0
    for row in grid:
        cell_of = {id(word): number for number, cell in enumerate(row) for word in cell}
        for line in lines_of(word for cell in row for word in cell):
            gaps = [
                right.box.left - left.box.right < _APART * max(left.size, right.size)
                for left, right in pairwise(line)
                if cell_of[id(left)] != cell_of[id(right)]
            ]
            parted += bool(gaps)
            close += any(gaps)
    return close > _MAX_CLOSE * parted


def _is_prose(rows: Sequence[Sequence[str]]) -> bool:
    cells = [cell for row in rows for cell in row if len(cell.split()) >= _LONG_CELL]
    continued = sum(cell[0].islower() for cell in cells)
    return len(rows) > 2 and continued > _MAX_CONTINUED * max(1, len(cells))


def _row_box(row: Sequence[Sequence[Word]], table: Box) -> Box:
    words = [word for cell in row for word in cell]
    if not words:
        return table
    box = around(word.box for word in words)
    return Box(table.left, box.top, table.right, box.bottom)
