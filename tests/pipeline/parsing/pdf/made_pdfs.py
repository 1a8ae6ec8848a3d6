"""PDFs for the tests of their parsing, drawn in memory with the origin in the upper left corner."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.layout import Table
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions

LETTER = (612.0, 792.0)
LEADING = 12.0

Rules = Literal["lines", "dashed", "boxes", "double", "none"]


def parse(content: bytes, options: ParseOptions | None = None) -> ParsedDocument:
    """The document that a PDF becomes."""
    return parse_bytes(content, MediaType.PDF, options or ParseOptions())


def only_page(content: bytes) -> ParsedPage:
    """The page of a PDF with one."""
    (page,) = parse(content).pages
    return page


def only_table(content: bytes) -> Table:
    """The table of a PDF with one page and one table."""
    (table,) = only_page(content).tables
    return table


class Sheets:
    """Pages to draw on; x and y are points from the upper left corner."""

    def __init__(self, size: tuple[float, float] = LETTER) -> None:
        self._out = io.BytesIO()
        self.width, self.height = size
        self.canvas = Canvas(self._out, pagesize=size, pageCompression=0)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 10,
        font: str = "Helvetica",
        color: colors.Color = colors.black,
        turn: float = 0,
    ) -> None:
        """Write a line whose baseline begins at a point, turned counterclockwise."""
        canvas = self.canvas
        canvas.saveState()
        canvas.translate(x, self.height - y)
        canvas.rotate(turn)
        canvas.setFont(font, size)
        canvas.setFillColor(color)
        canvas.drawString(0, 0, text)
        canvas.restoreState()

    def lines(self, x: float, y: float, lines: Iterable[str], *, size: float = 10) -> float:
        """Write lines below each other; returns the y of the next one."""
        for line in lines:
            self.text(x, y, line, size=size)
            y += LEADING * size / 10
        return y

    def rule(self, x1: float, y1: float, x2: float, y2: float, *, width: float = 0.7) -> None:
        """Draw a line."""
        self.canvas.setLineWidth(width)
        self.canvas.line(x1, self.height - y1, x2, self.height - y2)

    def area(
        self, left: float, top: float, right: float, bottom: float, color: colors.Color
    ) -> None:
        """Fill a rectangle."""
        self.canvas.saveState()
        self.canvas.setFillColor(color)
        self.canvas.rect(left, self.height - bottom, right - left, bottom - top, stroke=0, fill=1)
        self.canvas.restoreState()

    def next(self) -> None:
        """End the page."""
        self.canvas.showPage()

    def bytes(self) -> bytes:
        """The PDF."""
        self.canvas.save()
        return self._out.getvalue()


class Span(NamedTuple):
    """A cell and how many rows and columns it covers."""

    row: int
    column: int
    text: str
    rows: int = 1
    columns: int = 1


@dataclass
class Grid:
    """A table to draw.

    Attributes:
        cells: what stands where; a text's line breaks begin new lines.
        rules: how its borders are drawn.
        outside: whether it has a border around it.
        bold: rows in bold.
    """

    widths: Sequence[float]
    heights: Sequence[float]
    cells: Sequence[Span]
    rules: Rules = "lines"
    outside: bool = True
    size: float = 10
    bold: Sequence[int] = field(default_factory=tuple)

    def draw(self, sheets: Sheets, left: float = 72.0, top: float = 100.0) -> None:
        """Draw the grid with its upper left corner at a point."""
        xs, ys = _running(left, self.widths), _running(top, self.heights)
        for edge in set(self._edges(xs, ys)):
            _draw_rule(sheets, edge, self.rules)
        for cell in self.cells:
            x, y = xs[cell.column] + 3, ys[cell.row] + 11
            font = "Helvetica-Bold" if cell.row in self.bold else "Helvetica"
            for line in cell.text.split("\n"):
                sheets.text(x, y, line, size=self.size, font=font)
                y += LEADING

    def _edges(
        self, xs: Sequence[float], ys: Sequence[float]
    ) -> Iterator[tuple[float, float, float, float]]:
        for cell in self.cells:
            left, right = xs[cell.column], xs[cell.column + cell.columns]
            top, bottom = ys[cell.row], ys[cell.row + cell.rows]
            for x in (left, right):
                if self.outside or xs[0] < x < xs[-1]:
                    yield x, top, x, bottom
            for y in (top, bottom):
                if self.outside or ys[0] < y < ys[-1]:
                    yield left, y, right, y


def _running(start: float, steps: Iterable[float]) -> list[float]:
    places = [start]
    for step in steps:
        places.append(places[-1] + step)
    return places


def _draw_rule(sheets: Sheets, edge: tuple[float, float, float, float], rules: Rules) -> None:
    x1, y1, x2, y2 = edge
    upright = x1 == x2
    match rules:
        case "lines":
            sheets.rule(*edge)
        case "dashed":
            sheets.canvas.setDash(3, 2)
            sheets.rule(*edge)
            sheets.canvas.setDash()
        case "boxes":
            if upright:
                sheets.area(x1 - 0.25, y1, x1 + 0.25, y2, colors.black)
            else:
                sheets.area(x1, y1 - 0.25, x2, y1 + 0.25, colors.black)
        case "double":
            for offset in (-0.8, 0.8):
                if upright:
                    sheets.rule(x1 + offset, y1, x2 + offset, y2, width=0.4)
                else:
                    sheets.rule(x1, y1 + offset, x2, y2 + offset, width=0.4)


def plain_grid(
    rows: Sequence[Sequence[str]],
    *,
    widths: Sequence[float] | None = None,
    height: float = 18.0,
    rules: Rules = "lines",
    outside: bool = True,
    bold: Sequence[int] = (0,),
) -> Grid:
    """A grid without merged cells, rows as high as their lines."""
    heights = [max(height, 6 + LEADING * max(cell.count("\n") + 1 for cell in row)) for row in rows]
    cells = [Span(r, c, text) for r, row in enumerate(rows) for c, text in enumerate(row)]
    columns = len(rows[0])
    return Grid(
        widths or [460 / columns] * columns,
        heights,
        cells,
        rules=rules,
        outside=outside,
        bold=bold,
    )


def grid_pdf(grid: Grid, size: tuple[float, float] = LETTER) -> bytes:
    """A PDF with a grid on its only page."""
    sheets = Sheets(size)
    grid.draw(sheets)
    return sheets.bytes()
