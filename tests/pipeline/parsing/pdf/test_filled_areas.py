"""Tables whose cells are told by the colors that they stand on."""

from __future__ import annotations

from reportlab.lib import colors

from tests.pipeline.parsing.pdf.made_pdfs import Sheets, only_page, only_table, plain_grid

HEADER = ("Service", "In network", "Out of network")
ROWS = (
    ("Office visit", "$25", "40% after deductible"),
    ("Specialist", "$40", "40% after deductible"),
    ("Urgent care", "$75", "Not covered"),
    ("Ambulance", "$100", "$100"),
)
GRAY, PALE = colors.Color(0.85, 0.85, 0.85), colors.Color(0.93, 0.95, 1)


def _words(sheets: Sheets) -> None:
    plain_grid([HEADER, *ROWS], widths=[160] * 3, rules="none").draw(sheets)


def test_white_hairlines_between_colored_areas() -> None:
    """Cells filled one by one, with a white hairline between them, are a table."""
    sheets = Sheets()
    for row in range(5):
        for column in range(3):
            left, top = 72 + 160 * column, 100 + 18 * row
            sheets.area(left, top, left + 159.3, top + 17.3, PALE if row else GRAY)
    _words(sheets)
    table = only_table(sheets.bytes())
    assert (table.header, table.rows) == (HEADER, ROWS)


def test_zebra_rows_with_lines_between_the_columns() -> None:
    """Rows told apart by every second one's ground, columns by lines."""
    sheets = Sheets()
    for row in range(0, 5, 2):
        sheets.area(72, 100 + 18 * row, 552, 118 + 18 * row, PALE if row else GRAY)
    for x in (72, 232, 392, 552):
        sheets.rule(x, 100, x, 190)
    _words(sheets)
    table = only_table(sheets.bytes())
    assert (table.header, table.rows) == (HEADER, ROWS)


def test_zebra_cells_without_any_line() -> None:
    """Cells that are told by grounds alone, a row of one color and a row of another."""
    sheets = Sheets()
    for row in range(5):
        for column in range(3):
            color = (GRAY, PALE)[row % 2] if column % 2 else (PALE, colors.white)[row % 2]
            left, top = 72 + 160 * column, 100 + 18 * row
            sheets.area(left, top, left + 160, top + 18, color)
    _words(sheets)
    assert only_table(sheets.bytes()).rows[-4:] == ROWS


def test_bands_behind_the_lines_of_a_cell_do_not_part_it() -> None:
    """Each line's own background, of its cell's color, makes no row."""
    sheets = Sheets()
    rows = [HEADER, ("Imaging\n(CT, PET scans)", "$150\nper test", "Not\ncovered"), ROWS[0]]
    sheets.area(72, 118, 552, 148, PALE)
    for column in range(3):
        for line in range(2):
            left, top = 74 + 160 * column, 120 + 12 * line
            sheets.area(left, top, left + 150, top + 12, PALE)
    plain_grid(rows, widths=[160] * 3).draw(sheets)
    assert only_table(sheets.bytes()).rows[0] == (
        "Imaging (CT, PET scans)",
        "$150 per test",
        "Not covered",
    )


def test_white_bands_behind_lines_on_white_do_not_part_a_cell() -> None:
    """White grounds on white paper are seen by nobody."""
    sheets = Sheets()
    rows = [HEADER, ("Imaging\n(CT, PET scans)", "$150\nper test", "Not\ncovered"), ROWS[0]]
    for column in range(3):
        for line in range(2):
            left, top = 74 + 160 * column, 120 + 12 * line
            sheets.area(left, top, left + 150, top + 12, colors.white)
    plain_grid(rows, widths=[160] * 3).draw(sheets)
    assert only_table(sheets.bytes()).rows[0][0] == "Imaging (CT, PET scans)"


def test_a_marked_word_in_a_cell_parts_nothing() -> None:
    """A highlight behind one word of a cell is no cell."""
    sheets = Sheets()
    rows = [HEADER, ("Imaging of\nall kinds", "$150", "Not covered"), ROWS[0]]
    sheets.area(74, 121, 112, 133, colors.yellow)
    plain_grid(rows, widths=[160] * 3).draw(sheets)
    assert only_table(sheets.bytes()).rows[0][0] == "Imaging of all kinds"


def test_a_header_told_by_its_ground() -> None:
    """A first row on another ground is the header, though it holds a number of two digits."""
    sheets = Sheets()
    rows = [("Age", "Rate 2026", "Rate 2027"), ("30", "$12", "$13"), ("40", "$18", "$19")]
    sheets.area(72, 100, 552, 118, GRAY)
    plain_grid(rows, widths=[160] * 3, bold=()).draw(sheets)
    table = only_table(sheets.bytes())
    assert table.header == rows[0]
    assert table.rows == tuple(rows[1:])


def test_white_words_on_a_colored_ground_are_read() -> None:
    """A header in white on dark is seen by a reader, and kept."""
    sheets = Sheets()
    sheets.area(72, 100, 552, 118, colors.darkblue)
    plain_grid([("", "", ""), *ROWS], widths=[160] * 3).draw(sheets)
    for column, name in enumerate(HEADER):
        sheets.text(75 + 160 * column, 111, name, color=colors.white)
    page = only_page(sheets.bytes())
    assert page.tables[0].header == HEADER


def test_a_colored_box_beside_text_is_no_table() -> None:
    """A ground behind a paragraph makes no table of it."""
    sheets = Sheets()
    sheets.area(72, 90, 400, 130, PALE)
    sheets.lines(80, 105, ["Keep this notice with your", "policy at all times."])
    page = only_page(sheets.bytes())
    assert page.tables == ()
    assert page.text == "Keep this notice with your policy at all times."
