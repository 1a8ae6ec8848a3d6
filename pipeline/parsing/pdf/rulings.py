"""Builds grids from ruled lines: which cells they make, merged ones included.

Lines are broken, drawn twice, drawn as thin boxes, or only seen as the edges of colored areas. So
they are first brought together (`_joined`), then every pair of neighboring coordinates makes an
elementary cell, and cells with no line between them are one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.layout import Box
from pipeline.parsing.pdf.ink import Rule

# Lines nearer than this are one: a border and the edge of the fill beside it, a double rule.
SNAP = 3.0
# A gap in a line that a reader takes for one line: dashes, and corners that do not quite meet.
_GAP = 4.0
# The part of a cell's side that a line must cover to part it from its neighbor.
_COVERED = 0.6
# More lines, or elementary cells, are a drawing's.
_MAX_RULES, _MAX_CELLS = 4_000, 40_000


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a grid: the rows and columns that it covers, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells that lines make.

    Attributes:
        xs, ys: the coordinates of the columns' and rows' edges, ascending.
        cells: each once; together they cover the grid.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    cells: tuple[Cell, ...]

    @property
    def box(self) -> Box:
        """The area of the whole grid."""
        return Box(self.xs[0], self.ys[0], self.xs[-1], self.ys[-1])

    def box_of(self, cell: Cell) -> Box:
        """The area of a cell."""
        return Box(self.xs[cell.left], self.ys[cell.top], self.xs[cell.right], self.ys[cell.bottom])


def grids(rules: Iterable[Rule]) -> list[Grid]:
    """The grids of a page with at least two cells, from top to bottom."""
    across = _joined([rule for rule in rules if rule.horizontal])
    down = _joined([rule for rule in rules if not rule.horizontal])
    found = [_grid(*group) for group in _connected(across, down)]
    return sorted((each for each in found if each is not None), key=lambda grid: grid.ys[0])


def _joined(rules: list[Rule]) -> list[Rule]:
    """Lines of one direction, those at one place snapped together and gaps closed."""
    rules.sort(key=lambda rule: rule.at)
    joined: list[Rule] = []
    first = 0
    for index in range(1, len(rules) + 1):
        # Measured from the first of a cluster, so that a shaded area of many lines is no single one
        if index == len(rules) or rules[index].at - rules[first].at > SNAP:
            joined += _closed(rules[first:index])
            first = index
    return joined


def _closed(cluster: Sequence[Rule]) -> list[Rule]:
    longest = max(cluster, key=lambda rule: rule.end - rule.start)
    spans: list[list[float]] = []
    for start, end in sorted((rule.start, rule.end) for rule in cluster):
        if spans and start - spans[-1][1] <= _GAP:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
    return [Rule(longest.horizontal, longest.at, start, end) for start, end in spans]


def _connected(across: Sequence[Rule], down: Sequence[Rule]) -> list[tuple[list[Rule], list[Rule]]]:
    """Groups of lines that meet, directly or through others."""
    parent = list(range(len(across) + len(down)))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    places = [rule.at for rule in across]
    for number, vertical in enumerate(down, len(across)):
        first = bisect_left(places, vertical.start - _GAP)
        last = bisect_right(places, vertical.end + _GAP)
        for index in range(first, last):
            line = across[index]
            if line.start - _GAP <= vertical.at <= line.end + _GAP:
                parent[root(index)] = root(number)
    groups: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for index, line in enumerate([*across, *down]):
        group = groups.setdefault(root(index), ([], []))
        group[index >= len(across)].append(line)
    return list(groups.values())


def _grid(across: Sequence[Rule], down: Sequence[Rule]) -> Grid | None:
    if len(across) < 2 or not down or len(across) + len(down) > _MAX_RULES:
        return None
    # Where a table has no outer border, it ends where its lines do.
    xs = _edges([r.at for r in down], [x for r in across for x in (r.start, r.end)])
    ys = _edges([r.at for r in across], [y for r in down for y in (r.start, r.end)])
    count = (len(xs) - 1) * (len(ys) - 1)
    if not 1 < count <= _MAX_CELLS:
        return None
    cells = _merged(xs, ys, across, down)
    return Grid(tuple(xs), tuple(ys), tuple(cells)) if len(cells) > 1 else None


def _edges(places: Iterable[float], ends: Sequence[float]) -> list[float]:
    edges: list[float] = []
    for place in sorted(places):
        if not edges or place - edges[-1] > SNAP:
            edges.append(place)
    if not edges:
        return [min(ends), max(ends)]
    if edges[0] - min(ends) > SNAP + _GAP:
        edges.insert(0, min(ends))
    if max(ends) - edges[-1] > SNAP + _GAP:
        edges.append(max(ends))
    return edges


def _merged(
    xs: Sequence[float], ys: Sequence[float], across: Sequence[Rule], down: Sequence[Rule]
) -> list[Cell]:
    """Elementary cells joined wherever no line parts them; each result is made a rectangle."""
    columns, rows = len(xs) - 1, len(ys) - 1
    owner = [[row * columns + column for column in range(columns)] for row in range(rows)]
    parent = list(range(rows * columns))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    sides = _by_edge(xs, down)
    floors = _by_edge(ys, across)
    for row in range(rows):
        for column in range(columns):
            here = owner[row][column]
            if column + 1 < columns and not _parts(sides[column + 1], ys[row], ys[row + 1]):
                parent[root(owner[row][column + 1])] = root(here)
            if row + 1 < rows and not _parts(floors[row + 1], xs[column], xs[column + 1]):
                parent[root(owner[row + 1][column])] = root(here)
    return _rectangles([[root(one) for one in line] for line in owner])


def _by_edge(edges: Sequence[float], rules: Iterable[Rule]) -> list[list[Rule]]:
    found: list[list[Rule]] = [[] for _ in edges]
    for rule in rules:
        index = min(range(len(edges)), key=lambda i: abs(edges[i] - rule.at))
        found[index].append(rule)
    return found


def _parts(rules: Iterable[Rule], start: float, end: float) -> bool:
    covered = sum(max(0.0, min(rule.end, end) - max(rule.start, start)) for rule in rules)
    return covered >= _COVERED * (end - start)


def _rectangles(owners: Sequence[Sequence[int]]) -> list[Cell]:
    """A cell for each owner; one that is no rectangle is cut into its rows' runs."""
    places: dict[int, list[tuple[int, int]]] = {}
    for row, line in enumerate(owners):
        for column, owner in enumerate(line):
            places.setdefault(owner, []).append((row, column))
    cells: list[Cell] = []
    for members in places.values():
        rows, columns = [row for row, _ in members], [column for _, column in members]
        cell = Cell(min(rows), min(columns), max(rows) + 1, max(columns) + 1)
        if (cell.bottom - cell.top) * (cell.right - cell.left) == len(members):
            cells.append(cell)
        else:
            cells += _runs(members)
    return sorted(cells, key=lambda cell: (cell.top, cell.left))


def _runs(members: Sequence[tuple[int, int]]) -> list[Cell]:
    runs: list[Cell] = []
    for row, column in sorted(members):
        last = runs[-1] if runs else None
        if last is not None and (last.top, last.right) == (row, column):
            runs[-1] = Cell(row, last.left, row + 1, column + 1)
        else:
            runs.append(Cell(row, column, row + 1, column + 1))
    return runs
