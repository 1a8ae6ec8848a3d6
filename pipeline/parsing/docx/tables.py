"""Reads tables with cells merged across (gridSpan) and down (vMerge)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.parsing.docx.context import Context
from pipeline.parsing.docx.fields import check_box_of
from pipeline.parsing.docx.names import (
    Element,
    attribute,
    child,
    children,
    is_on,
    number,
    short,
    value,
)
from pipeline.parsing.docx.runs import BlocksOf
from pipeline.parsing.flowing.blocks import Block, Cell, Heading, Paragraph, TableBlock

_MAX_SPAN = 1000
_WRAPPERS = ("w:sdt", "w:sdtContent", "w:customXml", "w:ins", "w:moveTo")


class TableReader:
    """Reads the tables of a document; their cells hold paragraphs and tables of their own."""

    def __init__(self, context: Context, blocks_of: BlocksOf) -> None:
        self._context = context
        self._blocks_of = blocks_of

    def table(self, element: Element) -> TableBlock:
        """A table with its rows in order; deleted and hidden rows are left out."""
        rows: list[list[Cell | None]] = []
        merging: dict[int, Cell] = {}
        headings = 0
        with self._context.in_box():
            for row in _found(element, "w:tr"):
                properties = child(row, "w:trPr")
                if child(properties, "w:del") is not None:
                    continue
                if is_on(child(properties, "w:tblHeader")) and headings == len(rows):
                    headings += 1
                merging = self._row(row, properties, merging, rows)
        table = TableBlock(rows, header_rows=headings if 0 < headings < len(rows) else None)
        grid = child(element, "w:tblGrid")
        columns = children(grid) if grid is not None else ()
        table.widths = [
            number(attribute(each, "w")) for name, each in columns if name == "w:gridCol"
        ]
        _without_headings(table)
        return table

    def _row(
        self,
        row: Element,
        properties: Element | None,
        above: dict[int, Cell],
        rows: list[list[Cell | None]],
    ) -> dict[int, Cell]:
        """Adds a row and returns its cells that may go on in the next, by their columns."""
        before = min(number(value(properties, "w:gridBefore")), _MAX_SPAN)
        cells: list[Cell | None] = [None] * max(before, 0)
        column = len(cells)
        merging: dict[int, Cell] = {}
        for element in _found(row, "w:tc"):
            settings = child(element, "w:tcPr")
            span = min(max(number(value(settings, "w:gridSpan"), 1), 1), _MAX_SPAN)
            if _continues(settings, "w:hMerge") and cells and cells[-1] is not None:
                cells[-1].columns += span
            else:
                cell = self._cell(element, settings, span, above.get(column), cells)
                if child(settings, "w:vMerge") is not None:
                    merging[column] = cell
            column += span
        rows.append(cells)
        return merging

    def _cell(
        self,
        element: Element,
        settings: Element | None,
        span: int,
        above: Cell | None,
        cells: list[Cell | None],
    ) -> Cell:
        goes_on = _continues(settings, "w:vMerge") and above is not None
        if above is not None and goes_on and above.columns == span:
            above.rows += 1
            return above
        blocks = above.blocks if above is not None and goes_on else self._contents(element)
        cells.append(cell := Cell(blocks, columns=span))
        return cell

    def _contents(self, element: Element) -> list[Block]:
        # A check box control may hold the whole cell.
        if short(element.getparent().tag) == "w:sdtContent":
            checked = check_box_of(child(element.getparent().getparent(), "w:sdtPr"))
            if checked is not None:
                return [Paragraph("[x]" if checked else "[ ]")]
        return self._blocks_of(element)


def _found(element: Element, wanted: str) -> Iterator[Element]:
    """The rows of a table or the cells of a row, also those within content controls."""
    for name, each in children(element):
        if name == wanted:
            yield each
        elif name in _WRAPPERS:
            yield from _found(each, wanted)


def _continues(settings: Element | None, name: str) -> bool:
    merge = child(settings, name)
    return merge is not None and attribute(merge, "val") != "restart"


def _without_headings(table: TableBlock) -> None:
    """Makes headings in the cells of a table of values plain: there they only look like it."""
    if max((len([c for c in row if c]) for row in table.rows), default=0) < 2:
        return
    for cell in (cell for row in table.rows for cell in row if cell):
        cell.blocks[:] = [Paragraph(b.text) if isinstance(b, Heading) else b for b in cell.blocks]
