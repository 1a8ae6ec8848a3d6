"""Parses XLS of Excel before 2007, as XLSX: formats, merged and hidden cells."""

from __future__ import annotations

import io
from datetime import time
from typing import TYPE_CHECKING

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.reading import Reading
from pipeline.parsing.sheets.cell_formats import shown
from pipeline.parsing.sheets.pages import MAX_CELLS, Sheet, sheets_reading
from pipeline.parsing.sheets.values_only import read_values

if TYPE_CHECKING:
    from xlrd.book import Book
    from xlrd.sheet import Cell
    from xlrd.sheet import Sheet as OldSheet


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads an XLS workbook.

    Raises:
        ParseError: BROKEN or ENCRYPTED.
    """
    import xlrd

    try:
        with xlrd.open_workbook(
            file_contents=content, formatting_info=True, logfile=io.StringIO(), on_demand=True
        ) as book:
            return sheets_reading([_sheet(book, index) for index in range(book.nsheets)])
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            message = "The workbook is protected with a password."
            raise ParseError(ParseCode.ENCRYPTED, message) from error
        return read_values(content, "they could not be understood")
    except (MemoryError, RecursionError, ParseError):
        raise
    except Exception:
        return read_values(content, "they could not be understood")


def _sheet(book: Book, index: int) -> Sheet:
    sheet = book.sheet_by_index(index)
    if sheet.visibility:
        return Sheet(sheet.name, (), hidden=True)
    rows = {number for number, info in sheet.rowinfo_map.items() if info.hidden}
    columns = {number for number, info in sheet.colinfo_map.items() if info.hidden}
    merged = _merged(sheet)
    kept = min(sheet.nrows, MAX_CELLS // max(1, sheet.ncols))
    grid = tuple(
        tuple(
            _cell(book, sheet, *merged.get((row, column), (row, column)))
            for column in range(sheet.ncols)
            if column not in columns
        )
        for row in range(kept)
        if row not in rows
    )
    hidden = any(
        sheet.cell_type(row, column) not in (0, 6)
        for row in range(kept)
        for column in range(sheet.ncols)
        if row in rows or column in columns
    )
    cut = kept if kept < sheet.nrows else None
    return Sheet(sheet.name, grid, hidden_parts=hidden, cut_after=cut)


def _merged(sheet: OldSheet) -> dict[tuple[int, int], tuple[int, int]]:
    return {
        (row, column): (top, left)
        for top, bottom, left, right in sheet.merged_cells
        for row in range(top, min(bottom, sheet.nrows))
        for column in range(left, min(right, sheet.ncols))
    }


def _cell(book: Book, sheet: OldSheet, row: int, column: int) -> str:
    import xlrd

    if column >= sheet.row_len(row):
        return ""
    cell: Cell = sheet.cell(row, column)
    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return ""
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR"))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return shown(bool(cell.value), "")
    pattern = _pattern(book, cell)
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _date(book, cell.value, pattern)
    return shown(cell.value, pattern)


def _pattern(book: Book, cell: Cell) -> str:
    key = book.xf_list[cell.xf_index].format_key if cell.xf_index is not None else 0
    found = book.format_map.get(key)
    return str(found.format_str) if found else "General"


def _date(book: Book, value: float, pattern: str) -> str:
    import xlrd

    try:
        moment = xlrd.xldate_as_datetime(value, book.datemode)
    except (xlrd.XLDateError, ValueError, OverflowError):
        return shown(value, "General")
    return shown(time(moment.hour, moment.minute, moment.second) if value < 1 else moment, pattern)
