"""Tables without lines between their columns, and texts that only look like them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.pipeline.parsing.pdf.made_pdfs import (
    Grid,
    Sheets,
    Span,
    only_page,
    only_table,
    plain_grid,
)

HEADER = ("Service", "In network", "Out of network")
SHORT = (
    ("Office visit", "$25", "40% after deductible"),
    ("Specialist", "$40", "40% after deductible"),
    ("Urgent care", "$75", "Not covered"),
    ("Ambulance", "$100", "$100"),
)
LONG = (
    ("Imaging\n(CT, PET scans,\nMRIs)", "$150 copay\nper test", "Not covered"),
    ("Lab work", "$15", "40% after\ndeductible"),
    ("Hospital room\nand board", "20%", "50%"),
)


def whole(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Rows with their lines joined."""
    return tuple(tuple(cell.replace("\n", " ") for cell in row) for row in rows)


def drawn(rows: Sequence[Sequence[str]], *, lines: str = "") -> bytes:
    """A table without lines, with lines between its rows, or only around its header."""
    sheets = Sheets()
    grid = plain_grid(rows, widths=[160] * 3, rules="none")
    grid.draw(sheets)
    y, places = 100.0, [100.0]
    for height in grid.heights:
        y += height
        places.append(y)
    for number, place in enumerate(places):
        if lines == "rows" or (lines == "header" and number in (0, 1, len(places) - 1)):
            sheets.rule(72, place, 552, place)
    return sheets.bytes()


@pytest.mark.parametrize("lines", ["", "rows", "header"])
def test_a_table_without_column_lines(lines: str) -> None:
    """Columns are told by the white space between them."""
    table = only_table(drawn([HEADER, *SHORT], lines=lines))
    assert (table.header, table.rows) == (HEADER, SHORT)


@pytest.mark.parametrize("lines", ["", "rows", "header"])
def test_rows_of_several_lines(lines: str) -> None:
    """The lines of a row are told from the next row by lines across, or by white space."""
    table = only_table(drawn([HEADER, *LONG], lines=lines))
    assert (table.header, table.rows) == (HEADER, whole(LONG))


def test_groups_of_rows_stay_rows() -> None:
    """Rows that stand closely in groups are rows, each with its amounts."""
    sheets = Sheets()
    rows = [(f"Plan {n}", f"${n + 1}0", f"${n}5") for n in range(12)]
    for number, row in enumerate(rows):
        y = 100 + 14 * number + 30 * (number // 4)
        for x, text in zip((72, 232, 392), row, strict=True):
            sheets.text(x, y, text)
    found = [row for table in only_page(sheets.bytes()).tables for row in table.rows]
    assert found == rows


def test_labels_with_values_have_no_header() -> None:
    """The first of some labels with values names no column."""
    pairs = (
        ("Named insured:", "Dana Whitfield"),
        ("Policy number:", "HO-7781"),
        ("Term:", "one year"),
        ("Agent:", "Mill Lane Brokers"),
    )
    sheets = Sheets()
    for row, (label, value) in enumerate(pairs):
        sheets.text(72, 100 + 20 * row, label)
        sheets.text(250, 100 + 20 * row, value)
    page = only_page(sheets.bytes())
    assert all(table.header == () for table in page.tables)
    for label, value in pairs:
        assert any(label in line and value in line for line in page.text.split("\n"))


def test_a_ruled_list_of_terms_has_no_header() -> None:
    """Two columns of labels and values in a grid have no header when nothing tells one."""
    rows = [("Named insured", "Dana Whitfield"), ("Agent", "Mill Lane"), ("Branch", "Dock Street")]
    table = only_table(_grid_pdf(rows))
    assert table.header == ()
    assert table.rows == tuple(rows)


def _grid_pdf(rows: Sequence[Sequence[str]]) -> bytes:
    sheets = Sheets()
    plain_grid(rows, bold=()).draw(sheets)
    return sheets.bytes()


def test_text_in_columns_with_marks_is_no_table() -> None:
    """Two columns of items are read down the left one, then down the right one."""
    sheets = Sheets()
    left = [f"the insurer pays for the loss of thing {n};" for n in range(10)]
    right = [f"the insured pays for the loss of part {n};" for n in range(10)]
    for row, (one, other) in enumerate(zip(left, right, strict=True)):
        y = 100 + 14 * row
        for x, mark, text in ((60, f"{row + 1}.", one), (320, f"{'abcdefghij'[row]})", other)):
            sheets.text(x, y, mark)
            sheets.text(x + 20, y, text)
    page = only_page(sheets.bytes())
    assert page.tables == ()
    lines = [line.strip() for line in page.text.split("\n") if line]
    assert lines == [
        *(f"{n + 1}. {text}" for n, text in enumerate(left)),
        *(f"{'abcdefghij'[n]}) {text}" for n, text in enumerate(right)),
    ]


def test_boxes_of_a_form_are_said_one_by_one() -> None:
    """A form whose boxes end where they like is no table: each box is said once, row by row."""
    widths = [60, 40, 60, 40, 60, 40, 60, 40]
    cells = [
        *(
            Span(0, 0, "Agency", columns=3),
            Span(0, 3, "Carrier", columns=3),
            Span(0, 6, "Code", columns=2),
        ),
        *(Span(1, 0, "Named insured and address", columns=5), Span(1, 5, "Phone", columns=3)),
        *(
            Span(2, 0, "City", columns=2),
            Span(2, 2, "State", columns=4),
            Span(2, 6, "Zip", columns=2),
        ),
        *(Span(3, 0, "Policy number", columns=4), Span(3, 4, "Effective date", columns=4)),
        *(Span(4, n, f"Box {n}") for n in range(0, 8)),
    ]
    sheets = Sheets()
    Grid(widths, [24] * 5, cells).draw(sheets)
    page = only_page(sheets.bytes())
    assert page.tables == ()
    assert page.text.split("\n")[:4] == [
        "Agency | Carrier | Code",
        "Named insured and address | Phone",
        "City | State | Zip",
        "Policy number | Effective date",
    ]
