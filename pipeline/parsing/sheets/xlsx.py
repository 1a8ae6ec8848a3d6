"""Parses XLSX: sheets as pages, cells as a person sees them, hidden ones left out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.errors import ParseCode, ParseError
from pipeline.notes import Note, NoteKind
from pipeline.parsing.office.package import opened_package
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.reading import Reading
from pipeline.parsing.sheets.cell_formats import shown
from pipeline.parsing.sheets.pages import MAX_CELLS, Sheet, sheets_reading
from pipeline.parsing.sheets.values_only import read_values

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

MAX_FORMATTED_CELLS = 1_000_000
"""Beyond, cells are read without their formats, which takes a tenth of the time and memory."""
_WHAT = "The workbook"
_PICTURE_BYTES = 8 * 1024
_STEP = 1024 * 1024


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads an XLSX workbook.

    Raises:
        ParseError: BROKEN, ENCRYPTED or TOO_LARGE (unpacked).
    """
    with opened_package(content, _WHAT) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        cells = unknown = 0
        for name in sheets:
            with archive.open(name) as part:
                more, missing = _counted(part)
            cells, unknown = cells + more, unknown + missing
        pictures = sum(
            each.filename.startswith("xl/media/") and each.file_size >= _PICTURE_BYTES
            for each in archive.infolist()
        )
    notes = _notes(unknown, pictures)
    if cells > MAX_FORMATTED_CELLS:
        return read_values(content, f"it has {cells:,} cells", notes)
    try:
        found = _sheets(content)
    except (MemoryError, RecursionError, ParseError):
        raise
    except Exception:
        # openpyxl lets whatever a strange style or part leads it into through
        return read_values(content, "they could not be understood", notes)
    return sheets_reading(found, notes)


def _counted(part: Any) -> tuple[int, int]:
    """The cells of a sheet, and how many of its formulas have no stored result."""
    cells = unknown = 0
    rest = b""
    while block := part.read(_STEP):
        text = rest + block
        cells += text.count(b"<c ")
        unknown += sum(text.count(end) for end in _NO_RESULT)
        rest = b""
    return cells, unknown


_NO_RESULT = (b"</f></c>", b"</f><v></v>", b"</f><v/>", b"</f><v />")


def _notes(unknown: int, pictures: int) -> list[Note]:
    notes = []
    if unknown:
        message = (
            f"{unknown:,} formulas have no stored result: open and save the workbook in Excel."
        )
        notes.append(Note(NoteKind.PART_NOT_READ, message))
    if pictures:
        message = f"{pictures:,} pictures in the workbook were not read."
        notes.append(Note(NoteKind.PICTURE_NOT_READ, message))
    return notes


def _sheets(content: bytes) -> list[Sheet]:
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts that hold no cell
        book = load_workbook(io.BytesIO(content), data_only=True, keep_links=False)
    left = MAX_CELLS
    found = []
    for sheet in book.worksheets:
        read = _sheet(sheet, left)
        left -= read.cells
        found.append(read)
    return found


def _sheet(sheet: Worksheet, most: int) -> Sheet:
    if sheet.sheet_state != "visible":
        return Sheet(sheet.title, (), hidden=True)
    columns = {
        number
        for dimension in sheet.column_dimensions.values()
        if dimension.hidden
        for number in range(dimension.min, dimension.max + 1)
    }
    rows = {number for number, dimension in sheet.row_dimensions.items() if dimension.hidden}
    merged = _merged(sheet)
    width = max(1, sheet.max_column)
    kept = range(1, min(sheet.max_row, most // width) + 1)
    grid = tuple(
        tuple(
            _cell(sheet, merged.get((row, column), (row, column)))
            for column in range(1, width + 1)
            if column not in columns
        )
        for row in kept
        if row not in rows
    )
    said = any(_filled(sheet, rows, columns))
    return Sheet(
        sheet.title,
        grid,
        hidden_parts=said,
        cut_after=kept.stop - 1 if kept.stop <= sheet.max_row else None,
        remarks=tuple(_remarks(sheet, rows, columns)),
    )


def _merged(sheet: Worksheet) -> dict[tuple[int, int], tuple[int, int]]:
    """Each cell that is covered by a merged one, and the cell that says its value."""
    found = {}
    for area in sheet.merged_cells.ranges:
        if area.size["rows"] * area.size["columns"] > MAX_CELLS:
            continue
        last = min(area.max_row, sheet.max_row), min(area.max_col, sheet.max_column)
        for row in range(area.min_row, last[0] + 1):
            for column in range(area.min_col, last[1] + 1):
                found[row, column] = (area.min_row, area.min_col)
    return found


def _cell(sheet: Worksheet, place: tuple[int, int]) -> str:
    # asking the sheet itself would make every empty cell
    cell = sheet._cells.get(place)
    return "" if cell is None else shown(cell.value, cell.number_format)


def _filled(sheet: Worksheet, rows: set[int], columns: set[int]) -> Iterator[bool]:
    if rows or columns:
        for (row, column), cell in sheet._cells.items():
            yield (row in rows or column in columns) and cell.value is not None


def _remarks(sheet: Worksheet, rows: set[int], columns: set[int]) -> Iterator[str]:
    for (row, column), cell in sorted(sheet._cells.items()):
        if cell.comment is not None and row not in rows and column not in columns:
            yield f"Note on {cell.coordinate}: {' '.join(str(cell.comment.text).split())}"


def refuse_damaged(error: Exception) -> ParseError:
    """The error of a workbook that no reader understands."""
    message = "The workbook is damaged: its sheets cannot be read."
    return ParseError(ParseCode.BROKEN, message)
