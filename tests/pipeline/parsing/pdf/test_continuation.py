"""Tables that run over several pages."""

from __future__ import annotations

from collections.abc import Sequence

from tests.pipeline.parsing.pdf.made_pdfs import Sheets, parse, plain_grid

HEADER = ("Code", "Procedure", "Copay")


def rows(first: int, count: int) -> list[tuple[str, str, str]]:
    """Rows of a price list."""
    return [(f"D{n:04}", f"Procedure number {n}", f"${n}") for n in range(first, first + count)]


def table_pdf(*pages: Sequence[Sequence[str]], bold: bool = True, note: str = "") -> bytes:
    """A PDF with one table on each page."""
    sheets = Sheets()
    for number, page in enumerate(pages):
        is_header = page[0] == HEADER
        plain_grid(page, bold=(0,) if bold and is_header else ()).draw(sheets, top=60)
        if note and number == 0:
            sheets.text(72, 750, note)
        sheets.next()
    return sheets.bytes()


def test_later_pages_know_the_header_that_is_printed_once() -> None:
    """A table over three pages has its header on each, and says that it goes on."""
    pages = [[HEADER, *rows(1000, 30)], rows(1030, 30), rows(1060, 12)]
    found = [page.tables[0] for page in parse(table_pdf(*pages)).pages]
    assert [table.header for table in found] == [HEADER] * 3
    assert [table.continues for table in found] == [False, True, True]
    assert [row for table in found for row in table.rows] == rows(1000, 72)


def test_a_header_that_is_printed_again_is_no_row() -> None:
    """A repeated header stays a header, and the table goes on."""
    pages = [[HEADER, *rows(1000, 30)], [HEADER, *rows(1030, 30)], [HEADER, *rows(1060, 12)]]
    found = [page.tables[0] for page in parse(table_pdf(*pages)).pages]
    assert [table.header for table in found] == [HEADER] * 3
    assert [table.continues for table in found] == [False, True, True]
    assert [row for table in found for row in table.rows] == rows(1000, 72)


def test_a_first_row_without_amounts_is_no_header_on_a_later_page() -> None:
    """A row that only lacks amounts goes on with the table of the page before."""
    later = [("Dental", "Cleaning by a dentist", "None"), *rows(1030, 5)]
    _, second = parse(table_pdf([HEADER, *rows(1000, 30)], later)).pages
    assert second.tables[0].header == HEADER
    assert second.tables[0].rows == tuple(later)
    assert second.tables[0].continues


def test_a_table_with_other_columns_does_not_go_on() -> None:
    """Another table at the top of the next page is one of its own."""
    sheets = Sheets()
    plain_grid([HEADER, *rows(1000, 30)]).draw(sheets, top=60)
    sheets.next()
    plain_grid([("Zone", "Factor"), ("North", "1.10"), ("South", "0.95")]).draw(sheets, top=60)
    _, second = parse(sheets.bytes()).pages
    assert second.tables[0].header == ("Zone", "Factor")
    assert not second.tables[0].continues


def test_a_table_with_as_many_columns_elsewhere_does_not_go_on() -> None:
    """As many columns in other places, under other names, are another table."""
    sheets = Sheets()
    plain_grid([HEADER, *rows(1000, 30)]).draw(sheets, top=60)
    sheets.next()
    other = [("Zone", "Factor", "Since"), ("North", "1.10", "2024"), ("South", "0.95", "2025")]
    plain_grid(other, widths=[60, 300, 100]).draw(sheets, top=60)
    _, second = parse(sheets.bytes()).pages
    assert second.tables[0].header == ("Zone", "Factor", "Since")
    assert not second.tables[0].continues


def test_a_heading_between_them_ends_a_table() -> None:
    """A table below a new heading is no continuation, even with the same columns."""
    sheets = Sheets()
    plain_grid([HEADER, *rows(1000, 30)]).draw(sheets, top=60)
    sheets.next()
    sheets.text(72, 70, "Part B: Orthodontics", size=20, font="Helvetica-Bold")
    sheets.lines(72, 90, ["These services need our approval before they begin.", "Ask us first."])
    plain_grid([HEADER, *rows(8000, 10)]).draw(sheets, top=140)
    _, second = parse(sheets.bytes()).pages
    assert not second.tables[0].continues


def test_a_footnote_between_the_parts_does_not_part_them() -> None:
    """A line below the first part, such as a footnote, does not end the table."""
    pages = [[HEADER, *rows(1000, 30)], rows(1030, 10)]
    _, second = parse(table_pdf(*pages, note="* Prior approval is needed.")).pages
    assert second.tables[0].header == HEADER
    assert second.tables[0].continues
