"""Builds tables from ruled lines: words into cells, cells into rows with their header."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.layout import Box
from pipeline.parsing.pdf.drawn_lines import Grounds
from pipeline.parsing.pdf.filled_grid import FilledGrid, fill_grid
from pipeline.parsing.pdf.ink import Fill, Rule, Word, around
from pipeline.parsing.pdf.ink import area as box_area
from pipeline.parsing.pdf.lines import running_text
from pipeline.parsing.pdf.pieces import TableDraft, TextLine
from pipeline.parsing.pdf.rulings import grids
from pipeline.parsing.pdf.table_headers import header_of, header_rows, is_styled, title_rows

BETWEEN_BOXES = " | "
"""What stands between the boxes of a form's row."""

_TICK_BOX = re.compile(r"(?<![^|] )(\[[ x]\]) \| (?=[^|\[])")


@dataclass(slots=True)
class RuledTable:
    """A table of a page, or a form.

    Attributes:
        draft: None for a form, which has `lines` instead.
        words: those that it took, so that nobody else writes them again.
        ruled_rows: how many rows the lines draw, those of the header included.
        whole_rows: those of them in which no word runs across a line.
    """

    box: Box
    draft: TableDraft | None
    words: list[Word]
    ruled_rows: int
    whole_rows: int
    lines: list[TextLine] = field(default_factory=list)


def ruled_tables(
    rules: Sequence[Rule], fills: Sequence[Fill], words: Sequence[Word]
) -> list[RuledTable]:
    """The tables that the lines of a page draw, from top to bottom."""
    tables: list[RuledTable] = []
    taken: set[int] = set()
    grounds = Grounds(fills)
    ordered = sorted(words, key=lambda word: word.middle[1])
    heights = [word.middle[1] for word in ordered]
    # A table within a cell of another one is read first; its words are not those of the outer one.
    for grid in sorted(grids(rules), key=lambda g: box_area(g.box)):
        first = bisect_left(heights, grid.ys[0])
        last = bisect_right(heights, grid.ys[-1])
        inside = sorted(ordered[first:last], key=lambda word: word.order)
        free = [word for word in inside if word.order not in taken]
        filled = fill_grid(grid, grounds, free)
        if filled.words and (filled.is_form() or filled.is_table()):
            tables.append(_form(filled) if filled.is_form() else _table(filled))
            taken.update(word.order for word in filled.words)
    return sorted(tables, key=lambda table: (table.box.top, table.box.left))


def _form(filled: FilledGrid) -> RuledTable:
    """The boxes of a form, row by row; each is said once, however many rows it covers."""
    lines = []
    for row in filled.rows:
        cells = filled.beginning_in(row)
        texts = (running_text(each.text.split("\n"), ()) for each in cells)
        # A box to tick is said with the label in the box beside it.
        text = _TICK_BOX.sub(r"\1 ", BETWEEN_BOXES.join(texts))
        lines.append(TextLine(text, around(filled.box_of(each) for each in cells)))
    return RuledTable(filled.grid.box, None, filled.words, 0, 0, lines)


def _table(filled: FilledGrid) -> RuledTable:
    grid, rows, texts = filled.grid, filled.rows, filled.texts()
    left, right = grid.xs[0], grid.xs[-1]
    boxes = [Box(left, grid.ys[row], right, grid.ys[row + 1]) for row in rows]
    titles = title_rows(filled)
    depth = header_rows(filled, titles)
    top = titles + depth
    draft = TableDraft(
        header=header_of(texts[titles:top], len(filled.columns)),
        rows=[text for text in texts[top:] if any(text)],
        boxes=[box for box, text in zip(boxes[top:], texts[top:], strict=True) if any(text)],
        edges=(*(grid.xs[column[0]] for column in filled.columns), right),
        title=" ".join(dict.fromkeys(text for row in texts[:titles] for text in row if text)),
        header_box=Box(left, boxes[0].top, right, boxes[top - 1].bottom) if top else None,
        ruled=True,
        styled=depth > 0 and is_styled(filled, rows[titles]),
    )
    return RuledTable(grid.box, draft, filled.words, len(rows), filled.whole_rows())
