"""Joins rows of a table without ruled lines whose cells have several printed lines.

The layout reader makes a row of every printed line. Lines of one row follow each other closely,
with white space, or a line across the table, between two rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipeline.layout import Box
from pipeline.parsing.pdf.filled_grid import cell_text
from pipeline.parsing.pdf.ink import Rule, Word, around
from pipeline.parsing.pdf.table_headers import looks_like_data

Row = list[list[Word]]

# A line across a table covers so much of its width.
_ACROSS = 0.6
_MIN_RULES = 3
# Between rows is so much more white space than between the lines of one, in heights of a line.
_APART = 0.3
# Of the lines that would go on so many may hold amounts where the row above has them already.
_MAX_VALUES = 0.4


def joined_rows(rows: Sequence[Row], rules: Sequence[Rule], table: Box) -> list[Row]:
    """The rows of a table, each with all of its lines.

    Args:
        rows: each with its cells' words, as many cells in each.
        rules: the ruled lines of the page.
    """
    rows = [row for row in rows if any(row)]
    groups = _groups(rows, _heights(rules, table))
    later = [(group[0], row) for group in groups for row in group[1:]]
    if len(groups) < 3 or not later or not _go_on(later):
        return list(rows)
    return [_joined(group) for group in groups]


def _heights(rules: Sequence[Rule], table: Box) -> list[float]:
    """Where lines run across the table."""
    width = table.right - table.left
    return sorted(
        rule.at
        for rule in rules
        if rule.horizontal
        and table.top < rule.at < table.bottom
        and min(rule.end, table.right) - max(rule.start, table.left) >= _ACROSS * width
    )


def _groups(rows: Sequence[Row], lines: Sequence[float]) -> list[list[Row]]:
    boxes = [around(word.box for cell in row for word in cell) for row in rows]
    gaps = [below.top - above.bottom for above, below in pairwise(boxes)]
    height = min((box.bottom - box.top for box in boxes), default=1.0)
    least = min(gaps, default=0.0)
    groups = [[row] for row in rows[:1]]
    for (above, below), row, gap in zip(pairwise(boxes), rows[1:], gaps, strict=True):
        if len(lines) >= _MIN_RULES:
            middles = (above.top + above.bottom) / 2, (below.top + below.bottom) / 2
            parted = any(middles[0] < line < middles[1] for line in lines)
        else:
            parted = gap > least + _APART * height
        if parted:
            groups.append([row])
        else:
            groups[-1].append(row)
    return groups


def _go_on(later: Sequence[tuple[Row, Row]]) -> bool:
    """Whether lines go on with the row above them, and are no rows of a group."""
    gaps = sum(any(one and not other for one, other in zip(*pair, strict=True)) for pair in later)
    values = sum(any(map(_is_value_again, *pair)) for pair in later)
    return gaps > 0 and values <= _MAX_VALUES * len(later)


def _is_value_again(above: Sequence[Word], below: Sequence[Word]) -> bool:
    return looks_like_data([cell_text(above)]) and looks_like_data([cell_text(below)])


def _joined(group: Sequence[Row]) -> Row:
    return [[word for cell in cells for word in cell] for cells in zip(*group, strict=True)]
