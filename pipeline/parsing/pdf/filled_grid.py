"""Fills a grid with the page's words, and decides its rows and columns."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from pipeline.layout import Box
from pipeline.parsing.pdf.drawn_lines import Grounds
from pipeline.parsing.pdf.ink import Word, holds
from pipeline.parsing.pdf.lines import line_text, lines_of
from pipeline.parsing.pdf.rulings import Cell, Grid
from pipeline.parsing.pdf.turned_text import is_upright, turned_lines

# A form is ruled too; a table's rows are alike. So many columns for each cell of its fullest row,
# or so few rows with several cells, say that the lines are those of a form.
_MAX_COLUMNS_PER_CELL = 2.6
_MIN_FULL_ROWS = 0.4
# In a table most cells have one column each. The boxes of a form end where they like, so that a box
# covers several of the columns that all of their edges make.
_FORM_COLUMNS, _FORM_CELLS, _MAX_SPAN = 4, 5, 1.6
# A word runs out of its cell by so many points, and by so much of its width.
_OVERHANG, _OUTSIDE = 3.0, 0.25


@dataclass(slots=True)
class FilledCell:
    """A cell with its words."""

    cell: Cell
    words: list[Word] = field(default_factory=list)
    text: str = ""


@dataclass
class FilledGrid:
    """A grid with its words.

    Attributes:
        grounds: the colored areas of the page.
        cells: all, those without words too.
    """

    grid: Grid
    grounds: Grounds
    cells: list[FilledCell]

    @cached_property
    def columns(self) -> list[tuple[int, int]]:
        """Runs of elementary columns that make one: no cell with words ends within them."""
        counts = Counter(
            row
            for each in self.cells
            if each.words
            for row in range(each.cell.top, each.cell.bottom)
        )
        # What stands alone in its row, such as a title beside a picture, tells no columns.
        cells = [each.cell for each in self.cells if each.words and counts[each.cell.top] > 1]
        edges = {0, len(self.grid.xs) - 1}
        edges.update(edge for cell in cells for edge in (cell.left, cell.right))
        runs = list(pairwise(sorted(edges)))
        # A spacer column, or one in which nothing stands but what spans it, says nothing.
        begins = sorted({cell.left for cell in cells})
        return [
            run for run in runs if bisect_left(begins, run[0]) < bisect_left(begins, run[1])
        ] or runs

    @cached_property
    def rows(self) -> list[int]:
        """The rows in which something begins; a line through nothing makes no row."""
        return sorted({each.cell.top for each in self.cells if each.words})

    @property
    def words(self) -> list[Word]:
        """All words in the grid."""
        return [word for each in self.cells for word in each.words]

    def whole_rows(self) -> int:
        """How many rows hold their words: none runs across the lines of its cell.

        A word that does was put into one of two cells by its center alone.
        """
        torn = {
            row
            for each in self.cells
            for word in each.words
            if _runs_out(word, self.box_of(each))
            for row in range(each.cell.top, each.cell.bottom)
        }
        return sum(row not in torn for row in self.rows)

    def in_row(self, row: int) -> list[FilledCell]:
        """The cells with words that a row shows, from the left."""
        return [e for e in self.cells if e.words and e.cell.top <= row < e.cell.bottom]

    def beginning_in(self, row: int) -> list[FilledCell]:
        """The cells with words that begin in a row, from the left."""
        return [each for each in self.cells if each.words and each.cell.top == row]

    def box_of(self, each: FilledCell) -> Box:
        """Where a cell stands."""
        return self.grid.box_of(each.cell)

    def is_table(self) -> bool:
        """Whether the lines are those of a table, most of whose rows have several cells."""
        if len(self.columns) < 2 or len(self.rows) < 2:
            return False
        counts = [len(self.in_row(row)) for row in self.rows]
        fullest = max(counts)
        if fullest < 2 or len(self.columns) > _MAX_COLUMNS_PER_CELL * fullest:
            return False
        return sum(count >= 2 for count in counts) >= _MIN_FULL_ROWS * len(counts)

    def is_form(self) -> bool:
        """Whether the lines are those of a form, whose boxes do not stand below each other."""
        if len(self.columns) < _FORM_COLUMNS or len(self.rows) < 2:
            return False
        spans = [self._span(each) for each in self.cells if each.words]
        partial = [span for span in spans if span < len(self.columns)]
        return len(partial) >= _FORM_CELLS and sum(partial) > _MAX_SPAN * len(partial)

    def _span(self, each: FilledCell) -> int:
        """How many columns a cell covers."""
        first = bisect_left(self._lefts, each.cell.left)
        return max(1, bisect_left(self._lefts, each.cell.right) - first)

    @cached_property
    def _lefts(self) -> list[int]:
        return [left for left, _ in self.columns]

    def texts(self) -> list[tuple[str, ...]]:
        """Each row's texts, one a column.

        What is merged over columns or rows stands in each of them; what is merged over all columns
        stands once.
        """
        lookup = {
            (row, column): each
            for each in self.cells
            for row in range(each.cell.top, each.cell.bottom)
            for column in range(each.cell.left, each.cell.right)
        }
        return [self._texts_of(lookup, row) for row in self.rows]

    def _texts_of(self, lookup: dict[tuple[int, int], FilledCell], row: int) -> tuple[str, ...]:
        found = [lookup.get((row, left)) for left, _ in self.columns]
        if len({id(each) for each in found}) == 1 and found[0] is not None:
            return (found[0].text, *("" for _ in self.columns[1:]))
        return tuple(each.text if each is not None else "" for each in found)


def _runs_out(word: Word, box: Box) -> bool:
    outside = max(box.left - word.box.left, word.box.right - box.right)
    return outside > max(_OVERHANG, _OUTSIDE * (word.box.right - word.box.left))


def fill_grid(grid: Grid, grounds: Grounds, words: Sequence[Word]) -> FilledGrid:
    """The grid with those of the words that stand in it."""
    cells = [FilledCell(cell) for cell in grid.cells]
    places = {
        (row, column): each
        for each in cells
        for row in range(each.cell.top, each.cell.bottom)
        for column in range(each.cell.left, each.cell.right)
    }
    for word in words:
        x, y = word.middle
        if holds(grid.box, x, y):
            row = min(max(bisect_left(grid.ys, y) - 1, 0), len(grid.ys) - 2)
            column = min(max(bisect_left(grid.xs, x) - 1, 0), len(grid.xs) - 2)
            if (each := places.get((row, column))) is not None:
                each.words.append(word)
    for each in cells:
        each.text = cell_text(each.words)
    return FilledGrid(grid, grounds, cells)


def cell_text(words: Sequence[Word]) -> str:
    """The lines of a cell; they are joined when all words of the document are known."""
    upright = [word for word in words if is_upright(word)]
    lines = [line_text(line) for line in lines_of(upright)]
    if len(upright) < len(words):
        lines += turned_lines([word for word in words if not is_upright(word)])
    return "\n".join(lines)
