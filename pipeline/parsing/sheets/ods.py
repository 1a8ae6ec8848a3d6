"""Reads the sheets of an OpenDocument spreadsheet: cells hold their text as it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.parsing.office.open_text import OpenText, attribute, repeated, table_rows
from pipeline.parsing.office.slide_text import local
from pipeline.parsing.sheets.pages import MAX_CELLS, Sheet

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_HIDDEN = ("collapse", "filter")


def open_sheets(body: Element, styles: Element) -> list[Sheet]:
    """The sheets of a spreadsheet's body."""
    unseen = {
        attribute(style, "name")
        for style in styles.iter()
        if local(style) == "style" and any(attribute(each, "display") == "false" for each in style)
    }
    reader, left, found = OpenText(styles), MAX_CELLS, []
    for table in (each for each in body if local(each) == "table"):
        name = attribute(table, "name")
        if attribute(table, "style-name") in unseen:
            found.append(Sheet(name, (), hidden=True))
            continue
        sheet = _sheet(table, name, reader, left)
        left -= sheet.cells
        found.append(sheet)
    return found


def _sheet(table: Element, name: str, reader: OpenText, most: int) -> Sheet:
    columns = _hidden_columns(table)
    grid: list[tuple[str, ...]] = []
    spans: dict[int, tuple[int, str]] = {}
    hidden, cells, cut = False, 0, None
    for row in table_rows(table):
        values = _trimmed(_cells(row, reader, spans))
        if attribute(row, "visibility") in _HIDDEN:
            hidden = hidden or any(values)
            continue
        hidden = hidden or any(each for n, each in enumerate(values) if n in columns)
        shown = tuple(each for n, each in enumerate(values) if n not in columns)
        # an empty row may stand for a million
        for _ in range(repeated(row, "number-rows-repeated") if any(shown) else 1):
            cells += len(shown)
            if cells > most:
                cut = len(grid)
                break
            grid.append(shown)
        if cut is not None:
            break
    return Sheet(name, tuple(grid), hidden_parts=hidden, cut_after=cut)


def _hidden_columns(table: Element) -> set[int]:
    hidden: set[int] = set()
    at = 0
    for column in (each for each in table.iter() if local(each) == "table-column"):
        count = repeated(column, "number-columns-repeated")
        if attribute(column, "visibility") in _HIDDEN:
            hidden.update(range(at, at + count))
        at += count
    return hidden


def _cells(row: Element, reader: OpenText, spans: dict[int, tuple[int, str]]) -> list[str]:
    cells: list[str] = []
    for cell in row:
        kind = local(cell)
        if kind in ("table-cell", "covered-table-cell"):
            for _ in range(repeated(cell, "number-columns-repeated")):
                cells.append(reader.cell(cell, kind, cells, spans))
    return cells


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells
