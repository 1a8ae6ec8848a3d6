"""Workbooks and tables: cells as a person sees them, rows with their header."""

from __future__ import annotations

import io
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError
from pipeline.notes import NoteKind
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import sniff
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.sheets import pages as sheets
from pipeline.parsing.sheets import xlsx as workbook
from pipeline.parsing.sheets.cell_formats import shown
from tests.pipeline.parsing.office_files import open_document, rate_workbook, saved, zipped


def parsed(content: bytes, name: str) -> ParsedDocument:
    return parse_bytes(content, sniff(content, name), ParseOptions())


def test_a_sheet_is_a_page_with_amounts_as_they_are_shown() -> None:
    """Names of two levels are joined, amounts and dates stand as Excel shows them."""
    document = parsed(rate_workbook(), "rates.xlsx")
    assert document.paged
    assert [page.number for page in document.pages] == [1, 2]
    rates, discounts = document.pages
    assert rates.text.startswith("# Monthly rates\n\n**Premium for 100,000 dollars**\n\n|")
    (table,) = rates.tables
    assert table.caption == "Premium for 100,000 dollars"
    assert table.header == ("Age", "Non-smoker / Male", "Non-smoker / Female")
    assert table.rows == (("30", "$1,250.00", "$9.50"), ("31", "$1,300.50", "$10.25"))
    assert discounts.tables[0].rows == (("Loyalty", "5%", "2026-01-31"),)


def test_what_a_reader_of_a_workbook_does_not_see_is_left_out_and_said() -> None:
    """Hidden sheets and rows are not in the text, and stand in notes that are no gaps."""
    document = parsed(rate_workbook(), "rates.xlsx")
    assert "margin" not in document.text.lower()
    assert "1,400" not in document.text
    assert [note.kind for note in document.notes] == [NoteKind.HIDDEN_LEFT_OUT] * 2
    assert document.notes[1].pages == (1,)


def test_a_value_merged_down_stands_in_each_row() -> None:
    """A plan's name that spans its rows is repeated in them."""
    book = Workbook()
    book.active.append(["Plan", "Service", "Copay"])
    for row in (["Gold", "Visit", "$5"], [None, "Scan", "$50"], ["Silver", "Visit", "$15"]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    (table,) = parsed(saved(book), "x.xlsx").pages[0].tables
    assert [row[0] for row in table.rows] == ["Gold", "Gold", "Silver"]


def test_an_empty_row_does_not_part_a_table_from_its_header() -> None:
    """Rows after an empty one keep the names of their columns, unless they bring new ones."""
    book = Workbook()
    rows = [["Age", "Rate"], [30, 1.5], [], [31, 1.75], [], ["Region", "Factor"], ["North", 1.1]]
    for row in rows:
        book.active.append(row)
    first, second = parsed(saved(book), "x.xlsx").pages[0].tables
    assert (first.header, first.rows) == (("Age", "Rate"), (("30", "1.5"), ("31", "1.75")))
    assert (second.header, second.rows) == (("Region", "Factor"), (("North", "1.1"),))


def test_years_and_ages_may_name_columns() -> None:
    """A row of years after a word is a header; a row of amounts is none."""
    book = Workbook()
    for row in (["Age", 2025, 2026], [30, 100.5, 110.5], [31, 101.5, 111.5]):
        book.active.append(row)
    (table,) = parsed(saved(book), "x.xlsx").pages[0].tables
    assert table.header == ("Age", "2025", "2026")
    bare = Workbook()
    for row in ([30, 100.5], [31, 101.5]):
        bare.active.append(row)
    (table,) = parsed(saved(bare), "x.xlsx").pages[0].tables
    assert table.header == ()
    assert len(table.rows) == 2


def test_formulas_without_results_are_a_gap() -> None:
    """A workbook that no spreadsheet program has calculated lacks values, and says so."""
    book = Workbook()
    for row in (["Age", "Rate"], [30, "=A2*2"]):
        book.active.append(row)
    document = parsed(saved(book), "x.xlsx")
    assert [note.kind for note in document.gaps] == [NoteKind.PART_NOT_READ]
    assert "1 formulas" in document.gaps[0].message


def test_a_large_workbook_is_read_without_formats_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beyond so many cells the faster reader stands in, and a note says what is lost."""
    monkeypatch.setattr(workbook, "MAX_FORMATTED_CELLS", 3)
    document = parsed(rate_workbook(), "x.xlsx")
    assert NoteKind.READING_REPLACED in {note.kind for note in document.notes}
    assert "| 30 | 1250 | 9.5 |" in document.text
    assert "margin" not in document.text.lower()


def test_rows_beyond_the_limit_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not read of an endless sheet is said with its row."""
    for module in (workbook, sheets):
        monkeypatch.setattr(module, "MAX_CELLS", 6)
    document = parsed(rate_workbook(), "x.xlsx")
    assert document.gaps[0].message == "The rows after row 2 were not read."


@pytest.mark.parametrize("name", ["x.xlsx", "x.xlsb", "x.ods", "x.pptx", "x.odt"])
def test_a_damaged_office_file_is_broken(name: str) -> None:
    """Half an archive ends in a sentence, not in a crash."""
    content = rate_workbook()
    with pytest.raises(ParseError) as caught:
        parsed(content[: len(content) // 2], name)
    assert caught.value.parse_code is ParseCode.BROKEN


def test_hostile_xml_in_a_workbook_ends_in_a_reason() -> None:
    """Entities in an OpenDocument file are refused before they are expanded."""
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    content = zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": bomb})
    with pytest.raises(ParseError) as caught:
        parsed(content, "x.odt")
    assert caught.value.parse_code is ParseCode.UNSUPPORTED_TYPE


def test_an_old_workbook_has_its_formats_too(tmp_path: Path) -> None:
    """An XLS of before 2007 gives percentages, dates, merged and hidden cells as an XLSX does."""
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Rates")
    for column, name in enumerate(("Plan", "Share", "Since", "Internal")):
        sheet.write(0, column, name)
    sheet.write_merge(1, 2, 0, 0, "Gold")
    for row in (1, 2):
        sheet.write(row, 1, 0.125, xlwt.easyxf(num_format_str="0.0%"))
        sheet.write(row, 2, datetime(2026, 1, 31), xlwt.easyxf(num_format_str="DD.MM.YYYY"))
        sheet.write(row, 3, "secret")
    sheet.col(3).hidden = True
    hidden = book.add_sheet("Margins")
    hidden.write(0, 0, "secret")
    hidden.visibility = 1
    out = io.BytesIO()
    book.save(out)
    document = parsed(out.getvalue(), "x.xls")
    (table,) = document.pages[0].tables
    assert table.header == ("Plan", "Share", "Since")
    assert table.rows == (("Gold", "12.5%", "31.01.2026"),) * 2
    assert [note.kind for note in document.notes] == [NoteKind.HIDDEN_LEFT_OUT] * 2


def test_an_open_spreadsheet_says_what_its_cells_show() -> None:
    """An ODS gives the text of its cells, repeated and spanned ones too, and no hidden sheet."""
    hidden = (
        '<style:style style:name="h"><style:table-properties table:display="false"/></style:style>'
    )
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    body = (
        '<table:table table:name="Rates"><table:table-column table:number-columns-repeated="3"/>'
        f"<table:table-row>{cell.format('Age')}{cell.format('Male')}{cell.format('Female')}"
        "</table:table-row><table:table-row>"
        '<table:table-cell table:number-rows-spanned="2"><text:p>30</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="2"><text:p>9,50 €</text:p>'
        "</table:table-cell></table:table-row><table:table-row><table:covered-table-cell/>"
        f"{cell.format('9,75 €')}{cell.format('8,00 €')}</table:table-row>"
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row></table:table>'
        f'<table:table table:name="Margins" table:style-name="h"><table:table-row>'
        f"{cell.format('secret')}</table:table-row></table:table>"
    )
    document = parsed(open_document("spreadsheet", body, hidden), "x.ods")
    (table,) = document.pages[0].tables
    assert table.header == ("Age", "Male", "Female")
    assert table.rows == (("30", "9,50 €", "9,50 €"), ("30", "9,75 €", "8,00 €"))
    assert "secret" not in document.text


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'Age,Premium\n30,"1,250.00"\n31,1300\n', "x.csv"),
        (b"Age;Premium\n30;1.250,00\n31;1300\n", "x.csv"),
        (b"Age\tPremium\n30\t1,250.00\n31\t1300\n", "x.tsv"),
        (b"sep=|\nAge|Premium\n30|1.250,00\n31|1300\n", "x.csv"),
        ("Age,Premium\r\n30,1250\r\n31,1300\r\n".encode("utf-16"), "x.csv"),
    ],
)
def test_delimiters_are_found(content: bytes, name: str) -> None:
    """Commas, semicolons with decimal commas, tabs and declared bars part the cells."""
    (table,) = parsed(content, name).pages[0].tables
    assert table.header == ("Age", "Premium")
    assert [row[0] for row in table.rows] == ["30", "31"]
    assert all(len(row) == 2 for row in table.rows)


def test_a_quoted_line_break_stays_in_its_cell() -> None:
    """A cell of two lines is one cell, and a bar in it is no border."""
    (table,) = parsed(b'Plan,Text\nGold,"first\nsecond | third"\n', "x.csv").pages[0].tables
    assert table.rows == (("Gold", "first second | third"),)


def test_a_quote_that_is_never_closed_swallows_nothing() -> None:
    """A stray quote is a letter: the rows after it are rows."""
    rows = "".join(f"{n},5\n" for n in range(400))
    (table,) = parsed(f'Age,Height\n1,"6 feet\n{rows}'.encode(), "x.csv").pages[0].tables
    assert len(table.rows) == 401


def test_a_table_of_czech_words_is_read_in_its_code_page() -> None:
    """A CSV of Windows-1250 keeps its letters."""
    content = "Pojištění;Částka\nDomácnost – škoda způsobená vodou;5 000 Kč\n".encode("cp1250")
    assert "škoda způsobená vodou | 5 000 Kč" in parsed(content, "x.csv").text


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        (0.05, "0%", "5%"),
        (0.0525, "0.00%", "5.25%"),
        (1250, '"$"#,##0.00', "$1,250.00"),
        (1250.5, "[$€-407] #,##0.00", "€ 1,250.50"),
        (1250.5, '#,##0.00\\ "€"', "1,250.50 €"),
        (-1250, "#,##0;(#,##0)", "(1,250)"),
        (-1250, "#,##0.00;[Red]-#,##0.00", "-1,250.00"),
        (-0.05, "0.0%", "-5.0%"),
        (7, "00000", "00007"),
        (3, '0 "days"', "3 days"),
        (0, '"Yes";"Yes";"No"', "No"),
        (1234567, "#,##0,", "1,235"),
        (0.1 + 0.2, "General", "0.3"),
        (12345678, "General", "12345678"),
        (0.333, "# ?/?", "0.333"),
        (45, "@", "45"),
        (1.5e10, "0.00E+00", "1.50E+10"),
        (float("nan"), "0", "NaN"),
        (True, "General", "TRUE"),
        (date(2026, 1, 31), "mm-dd-yy", "2026-01-31"),
        (datetime(2026, 1, 31), "dd.mm.yyyy", "31.01.2026"),
        (datetime(2026, 1, 31), "mmm yyyy", "Jan 2026"),
        (datetime(2026, 1, 31, 14, 5), "yyyy-mm-dd h:mm AM/PM", "2026-01-31 2:05 PM"),
        ("as it is", "0.00", "as it is"),
        (None, "0", ""),
    ],
)
def test_a_number_reads_as_it_is_shown(value: object, pattern: str, expected: str) -> None:
    """Currencies, percentages, negatives and dates follow their format."""
    assert shown(value, pattern) == expected
