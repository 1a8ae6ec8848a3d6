"""Which rows of a ruled table are its title and its header."""

from __future__ import annotations

from tests.pipeline.parsing.pdf.made_pdfs import (
    Grid,
    Sheets,
    Span,
    grid_pdf,
    only_page,
    only_table,
    plain_grid,
)


def test_a_header_of_two_levels() -> None:
    """The levels of a header are joined column by column."""
    cells = [
        Span(0, 0, "Service", rows=2),
        *(Span(0, 1, "In network", columns=2), Span(0, 3, "Out of network", rows=2)),
        *(Span(1, 1, "Tier 1"), Span(1, 2, "Tier 2")),
        *(Span(2, 0, "Visit"), Span(2, 1, "$10"), Span(2, 2, "$25"), Span(2, 3, "$60")),
        *(Span(3, 0, "Scan"), Span(3, 1, "$50"), Span(3, 2, "$75"), Span(3, 3, "None")),
    ]
    table = only_table(grid_pdf(Grid([120] * 4, [18] * 4, cells, bold=(0, 1))))
    assert table.header == (
        "Service",
        "In network / Tier 1",
        "In network / Tier 2",
        "Out of network",
    )
    assert table.rows == (("Visit", "$10", "$25", "$60"), ("Scan", "$50", "$75", "None"))


def test_a_title_row_names_the_table() -> None:
    """A first row over all columns is the table's caption, the next one its header."""
    cells = [
        Span(0, 0, "Schedule of benefits", columns=3),
        *(Span(1, 0, "Service"), Span(1, 1, "Basic"), Span(1, 2, "Plus")),
        *(Span(2, 0, "Visit"), Span(2, 1, "$10"), Span(2, 2, "$25")),
        *(Span(3, 0, "Scan"), Span(3, 1, "$50"), Span(3, 2, "$75")),
    ]
    page = only_page(grid_pdf(Grid([150] * 3, [18] * 4, cells, bold=(0, 1))))
    (table,) = page.tables
    assert table.caption == "Schedule of benefits"
    assert table.header == ("Service", "Basic", "Plus")
    assert page.text.startswith("**Schedule of benefits**\n\n| Service | Basic | Plus |")


def test_rows_without_a_header() -> None:
    """A table whose first row holds values has no header, and keeps that row."""
    rows = [("Policy number", "HO-7781"), ("Deductible", "$500"), ("Limit", "$300,000")]
    table = only_table(grid_pdf(plain_grid(rows, bold=())))
    assert table.header == ()
    assert table.rows == tuple(rows)


def test_a_header_that_is_not_styled() -> None:
    """A first row without amounts above rows with amounts is the header, bold or not."""
    rows = [("Service", "Price"), ("Visit", "$25"), ("Scan", "$250")]
    assert only_table(grid_pdf(plain_grid(rows, bold=()))).header == ("Service", "Price")


def test_the_line_above_a_table_is_its_caption() -> None:
    """A short line right above a table without a title names it."""
    sheets = Sheets()
    sheets.text(72, 92, "Table 4: Premium by age")
    plain_grid([("Age", "Rate"), ("30", "$12"), ("40", "$18")]).draw(sheets)
    assert only_table(sheets.bytes()).caption == "Table 4: Premium by age"


def test_a_section_row_in_the_middle() -> None:
    """A row over all columns among the rows stands once, in the first column."""
    cells = [
        *(Span(0, 0, "Service"), Span(0, 1, "Basic"), Span(0, 2, "Plus")),
        *(Span(1, 0, "Visit"), Span(1, 1, "$10"), Span(1, 2, "$25")),
        Span(2, 0, "Hospital", columns=3),
        *(Span(3, 0, "Room"), Span(3, 1, "$50"), Span(3, 2, "$75")),
    ]
    assert only_table(grid_pdf(Grid([150] * 3, [18] * 4, cells, bold=(0, 2)))).rows == (
        ("Visit", "$10", "$25"),
        ("Hospital", "", ""),
        ("Room", "$50", "$75"),
    )


def test_a_long_text_above_the_columns_is_a_paragraph() -> None:
    """A first row that is a whole text is said once, and is not what the table is called."""
    told = (
        "The plan would be responsible for the other costs of these covered services.\n"
        "What you pay depends on where you go and on what your doctor asks for, and it\n"
        "may be more than the amounts that are named in the columns below."
    )
    cells = [
        Span(0, 0, told, columns=3),
        *(Span(1, 0, "Service"), Span(1, 1, "Basic"), Span(1, 2, "Plus")),
        *(Span(2, 0, "Visit"), Span(2, 1, "$10"), Span(2, 2, "$25")),
        *(Span(3, 0, "Scan"), Span(3, 1, "$50"), Span(3, 2, "$75")),
    ]
    page = only_page(grid_pdf(Grid([150] * 3, [42, 18, 18, 18], cells, bold=(1,))))
    assert page.text.startswith("The plan would be responsible")
    assert page.tables[0].header == ("Service", "Basic", "Plus")
    assert "**" not in page.text
