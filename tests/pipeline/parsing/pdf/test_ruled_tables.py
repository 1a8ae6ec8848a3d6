"""Tables whose cells the drawn lines of a page tell."""

from __future__ import annotations

import pytest

from tests.pipeline.parsing.pdf.made_pdfs import (
    Grid,
    Rules,
    Sheets,
    Span,
    grid_pdf,
    only_page,
    only_table,
    plain_grid,
)

HEADER = ("Service", "In network", "Out of network")
ROWS = (
    ("Office visit", "$25", "40% after deductible"),
    ("Specialist", "$40", "40% after deductible"),
    ("Urgent care", "$75", "Not covered"),
)


@pytest.mark.parametrize("rules", ["lines", "dashed", "boxes", "double"])
def test_a_fully_ruled_grid_keeps_its_cells(rules: Rules) -> None:
    """Rows and columns come back, whether lines are whole, dashed, thin boxes or double."""
    table = only_table(grid_pdf(plain_grid([HEADER, *ROWS], rules=rules)))
    assert table.header == HEADER
    assert table.rows == ROWS


def test_a_table_without_a_border_around_it() -> None:
    """Outer rows and columns are told by the inner lines' ends."""
    table = only_table(grid_pdf(plain_grid([HEADER, *ROWS], outside=False)))
    assert table.header == HEADER
    assert table.rows == ROWS


def test_rows_ruled_across_and_columns_only_in_part() -> None:
    """A line down that stops short of the table's end still parts the columns."""
    sheets = Sheets()
    plain_grid([HEADER, *ROWS], widths=[160] * 3, rules="none").draw(sheets)
    for row in range(5):
        sheets.rule(72, 100 + 18 * row, 552, 100 + 18 * row)
    for column in range(4):
        sheets.rule(72 + 160 * column, 101.5, 72 + 160 * column, 170.5)
    assert only_table(sheets.bytes()).rows == ROWS


def test_lines_broken_at_every_cell_are_one() -> None:
    """Borders drawn cell by cell, not quite meeting at the corners, make one table."""
    sheets = Sheets()
    plain_grid([HEADER, *ROWS], widths=[160] * 3, rules="none").draw(sheets)
    for row in range(4):
        for column in range(3):
            left, top = 73.5 + 160 * column, 101.5 + 18 * row
            sheets.rule(left, top, left + 157, top)
            sheets.rule(left, top + 15, left + 157, top + 15)
            sheets.rule(left, top, left, top + 15)
            sheets.rule(left + 157, top, left + 157, top + 15)
    table = only_table(sheets.bytes())
    assert (table.header, table.rows) == (HEADER, ROWS)


def test_cells_of_several_lines() -> None:
    """The lines of a cell are one text, and stay in its row."""
    rows = [
        HEADER,
        ("Imaging\n(CT, PET scans,\nMRIs)", "$150 copay\nper test", "Not covered"),
        ("Lab work", "$15", "40% after\ndeductible"),
    ]
    assert only_table(grid_pdf(plain_grid(rows))).rows == (
        ("Imaging (CT, PET scans, MRIs)", "$150 copay per test", "Not covered"),
        ("Lab work", "$15", "40% after deductible"),
    )


def test_underlined_words_make_no_row() -> None:
    """A line under words of a cell parts nothing."""
    sheets = Sheets()
    rows = [HEADER, ("Tier 1 drugs\nfrom our list", "$10", "Not covered"), ROWS[0]]
    plain_grid(rows, widths=[160] * 3).draw(sheets)
    width = sheets.canvas.stringWidth("Tier 1 drugs", "Helvetica", 10)
    sheets.rule(75, 130.5, 75 + width, 130.5, width=0.5)
    assert only_table(sheets.bytes()).rows[0][0] == "Tier 1 drugs from our list"


def test_a_whole_underlined_cell_makes_no_row() -> None:
    """An underline as long as its column's text is no border either."""
    sheets = Sheets()
    rows = [HEADER, ("Our list of drugs we pay\nwww.example.com", "$10", "None"), ROWS[0]]
    plain_grid(rows, widths=[120, 180, 180]).draw(sheets)
    width = sheets.canvas.stringWidth("Our list of drugs we pay", "Helvetica", 10)
    sheets.rule(75, 130.5, 75 + width, 130.5, width=0.5)
    assert only_table(sheets.bytes()).rows[0][0] == "Our list of drugs we pay www.example.com"


def test_an_underline_that_begins_at_the_border_makes_no_row() -> None:
    """Words that are underlined from their cell's border to the middle of a word part nothing."""
    sheets = Sheets()
    rows = [HEADER, ("Preventive care/screening/\nimmunization", "No charge", "None"), ROWS[0]]
    plain_grid(rows, widths=[160] * 3, rules="lines").draw(sheets, left=69)
    width = sheets.canvas.stringWidth("Preventive care/screen", "Helvetica", 10)
    sheets.rule(70, 130.5, 72 + width, 130.5, width=0.5)
    table = only_table(sheets.bytes())
    assert table.rows[0][0] == "Preventive care/screening/ immunization"


def test_a_value_merged_down_stands_in_each_of_its_rows() -> None:
    """A cell over several rows is repeated in each of them."""
    cells = [
        *(Span(0, column, name) for column, name in enumerate(("Plan", "Service", "Price"))),
        Span(1, 0, "Gold", rows=2),
        *(Span(1, 1, "Specialist"), Span(1, 2, "$35"), Span(2, 1, "Emergency"), Span(2, 2, "$150")),
        Span(3, 0, "Silver", rows=2),
        *(Span(3, 1, "Specialist"), Span(3, 2, "$55"), Span(4, 1, "Emergency"), Span(4, 2, "$300")),
    ]
    table = only_table(grid_pdf(Grid([150] * 3, [18] * 5, cells, bold=(0,))))
    assert table.rows == (
        ("Gold", "Specialist", "$35"),
        ("Gold", "Emergency", "$150"),
        ("Silver", "Specialist", "$55"),
        ("Silver", "Emergency", "$300"),
    )


def test_a_value_merged_across_stands_in_each_of_its_columns() -> None:
    """A cell over some columns is repeated in each of them, one over the row stands once."""
    cells = [
        *(Span(0, column, name) for column, name in enumerate(HEADER)),
        *(Span(1, 0, "Ambulance"), Span(1, 1, "$100 wherever it is", columns=2)),
        Span(2, 0, "Prices below are for each day", columns=3),
        *(Span(3, 0, "Hospital room"), Span(3, 1, "$300"), Span(3, 2, "$600")),
    ]
    assert only_table(grid_pdf(Grid([150] * 3, [18] * 4, cells, bold=(0,)))).rows == (
        ("Ambulance", "$100 wherever it is", "$100 wherever it is"),
        ("Prices below are for each day", "", ""),
        ("Hospital room", "$300", "$600"),
    )


def test_cells_merged_both_ways() -> None:
    """A cell over two rows and two columns stands in all four."""
    cells = [
        *(Span(0, column, name) for column, name in enumerate(HEADER)),
        *(Span(1, 0, "Dental check"), Span(1, 1, "Ask your plan", rows=2, columns=2)),
        *(Span(2, 0, "Eye exam"), Span(3, 0, "Glasses"), Span(3, 1, "$20"), Span(3, 2, "$50")),
    ]
    assert only_table(grid_pdf(Grid([150] * 3, [18] * 4, cells, bold=(0,)))).rows == (
        ("Dental check", "Ask your plan", "Ask your plan"),
        ("Eye exam", "Ask your plan", "Ask your plan"),
        ("Glasses", "$20", "$50"),
    )


def test_a_title_beside_a_picture_makes_no_column() -> None:
    """A box for a picture beside a title cuts no column in two."""
    cells = [
        *(Span(0, 0, ""), Span(0, 1, "What is covered", columns=2)),
        *(Span(1, 0, "Baggage", columns=2), Span(1, 2, "$300 for each person")),
        *(Span(2, 0, "Delay", columns=2), Span(2, 2, "$50 for each day")),
        *(Span(3, 0, "Doctor", columns=2), Span(3, 2, "$9,000 in all")),
    ]
    table = only_table(grid_pdf(Grid([30, 130, 300], [24] * 4, cells)))
    assert table.rows == (
        ("Baggage", "$300 for each person"),
        ("Delay", "$50 for each day"),
        ("Doctor", "$9,000 in all"),
    )


def test_empty_cells_and_an_empty_row() -> None:
    """An empty cell keeps its column; a row without any word is no row."""
    rows = [HEADER, ("Acupuncture", "", "Not covered"), ("", "", ""), ("Massage", "$15", "")]
    assert only_table(grid_pdf(plain_grid(rows))).rows == (
        ("Acupuncture", "", "Not covered"),
        ("Massage", "$15", ""),
    )


def test_a_column_with_a_name_and_nothing_else() -> None:
    """A column that nobody filled in stays under its name."""
    rows = [("Driver", "Born", "License"), ("A. Reyes", "", "TX-881"), ("B. Okafor", "", "TX-902")]
    table = only_table(grid_pdf(plain_grid(rows)))
    assert table.header == ("Driver", "Born", "License")
    assert table.rows == (("A. Reyes", "", "TX-881"), ("B. Okafor", "", "TX-902"))


@pytest.mark.parametrize("width", [114, 118, 119.5, 123.5])
def test_words_that_overflow_their_cell(width: float) -> None:
    """A text that runs into the next cell stays in its own, and apart from that cell's text."""
    rows = [HEADER, ("Durable medical equipment", "20%", "50%"), ROWS[0]]
    table = only_table(grid_pdf(plain_grid(rows, widths=[width, 180, 180])))
    assert table.rows[0] == ("Durable medical equipment", "20%", "50%")


def test_a_table_in_a_cell_of_another_one() -> None:
    """A nested table is read by itself, and none of its words twice."""
    sheets = Sheets()
    outer = [
        ("Topic", "What we pay"),
        ("Hospital", "\n\n\n\n"),
        ("Doctor", "80% of the bill"),
        ("Dentist", "50% of the bill"),
    ]
    plain_grid(outer, widths=[120, 320]).draw(sheets)
    inner = [("Days", "Amount"), ("1 to 5", "$300"), ("6 to 90", "$0")]
    plain_grid(inner, widths=[120, 120]).draw(sheets, left=220, top=124)
    page = only_page(sheets.bytes())
    assert [table.rows for table in page.tables if "Days" in table.header] == [
        (("1 to 5", "$300"), ("6 to 90", "$0"))
    ]
    assert [page.text.count(word) for word in ("$300", "80% of the bill", "6 to 90")] == [1, 1, 1]


def test_boxes_of_a_form_are_no_table() -> None:
    """A form's boxes, each with its label and one below the other, make no table."""
    sheets = Sheets()
    for row, label in enumerate(("Name of insured", "Mailing address", "City and state")):
        cells = [Span(0, 0, label)]
        Grid([400 - 40 * row], [30], cells).draw(sheets, top=100 + 50 * row)
    page = only_page(sheets.bytes())
    assert page.tables == ()
    lines = [line for line in page.text.splitlines() if line]
    assert lines == ["Name of insured", "Mailing address", "City and state"]


def test_a_box_around_a_paragraph_is_no_table() -> None:
    """A frame is no table, and its text stays a paragraph."""
    sheets = Sheets()
    Grid([460], [44], [Span(0, 0, "Keep this notice with\nyour policy at all times.")]).draw(sheets)
    page = only_page(sheets.bytes())
    assert page.tables == ()
    assert page.text == "Keep this notice with your policy at all times."


def test_text_around_a_table_keeps_its_place() -> None:
    """What stands above a table comes before it, and what stands below comes after it."""
    sheets = Sheets()
    sheets.lines(72, 80, ["We pay for what is listed here, and for nothing else."])
    plain_grid([HEADER, *ROWS]).draw(sheets)
    sheets.lines(72, 220, ["Prices are valid until the end of the year."])
    text = only_page(sheets.bytes()).text
    assert text.index("listed here") < text.index("Office visit") < text.index("Prices are valid")


def test_two_tables_side_by_side() -> None:
    """Two grids beside each other are two tables."""
    sheets = Sheets()
    plain_grid([("Age", "Rate"), ("30", "$12"), ("40", "$18")], widths=[80, 80]).draw(sheets)
    other = [("Zone", "Factor"), ("North", "1.10"), ("South", "0.95")]
    plain_grid(other, widths=[80, 80]).draw(sheets, left=330)
    assert [table.rows for table in only_page(sheets.bytes()).tables] == [
        (("30", "$12"), ("40", "$18")),
        (("North", "1.10"), ("South", "0.95")),
    ]


def test_two_tables_below_each_other() -> None:
    """Two grids with a line of text between them are two tables, each with its header."""
    sheets = Sheets()
    plain_grid([("Age", "Rate"), ("30", "$12"), ("40", "$18")], widths=[80, 80]).draw(sheets)
    sheets.text(72, 180, "Factors by zone:")
    other = [("Zone", "Factor"), ("North", "1.10"), ("South", "0.95")]
    plain_grid(other, widths=[80, 80]).draw(sheets, top=190)
    first, second = only_page(sheets.bytes()).tables
    assert (first.header, second.header) == (("Age", "Rate"), ("Zone", "Factor"))
