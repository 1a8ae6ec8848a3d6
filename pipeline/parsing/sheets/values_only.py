"""Reads values only, of workbooks whose formats are not known: XLSB, too large, too strange."""

from __future__ import annotations

import io
from collections.abc import Sequence

from pipeline.errors import ParseCode, ParseError
from pipeline.notes import Note, NoteKind
from pipeline.parsing.office.package import opened_package
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.reading import Reading
from pipeline.parsing.sheets.cell_formats import shown
from pipeline.parsing.sheets.pages import MAX_CELLS, Sheet, sheets_reading


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads an XLSB workbook.

    Raises:
        ParseError: BROKEN, ENCRYPTED or TOO_LARGE (unpacked).
    """
    with opened_package(content, "The workbook"):
        return read_values(content, "this kind of workbook is read so")


def read_values(content: bytes, why: str, notes: Sequence[Note] = ()) -> Reading:
    """The values of a workbook's cells, dates as dates and all else as it is stored.

    Args:
        why: the end of the note's sentence.
    """
    import python_calamine

    try:
        with python_calamine.load_workbook(io.BytesIO(content)) as book:
            found = [_sheet(book, each) for each in book.sheets_metadata]
    except python_calamine.PasswordError as error:
        message = "The workbook is protected with a password."
        raise ParseError(ParseCode.ENCRYPTED, message) from error
    except BaseException as error:
        # a panic of its Rust core is no `Exception`; it is worth no more than a refusal
        known = isinstance(error, python_calamine.CalamineError | OSError | ValueError)
        if not known and type(error).__name__ != "PanicException":
            raise
        message = "The workbook is damaged: its sheets cannot be read."
        raise ParseError(ParseCode.BROKEN, message) from error
    message = f"Numbers were read without their formats (percent, currency): {why}."
    return sheets_reading(found, [*notes, Note(NoteKind.READING_REPLACED, message)])


def _sheet(book: object, metadata: object) -> Sheet:
    import python_calamine

    assert isinstance(book, python_calamine.CalamineWorkbook)
    assert isinstance(metadata, python_calamine.SheetMetadata)
    if metadata.typ is not python_calamine.SheetTypeEnum.WorkSheet:
        return Sheet(metadata.name, ())
    if metadata.visible is not python_calamine.SheetVisibleEnum.Visible:
        return Sheet(metadata.name, (), hidden=True)
    sheet = book.get_sheet_by_name(metadata.name)
    most = max(1, MAX_CELLS // max(1, sheet.width))
    rows = sheet.to_python(skip_empty_area=False, nrows=most)
    grid = tuple(tuple("" if cell == "" else shown(cell, "") for cell in row) for row in rows)
    cut = most if sheet.total_height > most else None
    return Sheet(metadata.name, grid, cut_after=cut)
