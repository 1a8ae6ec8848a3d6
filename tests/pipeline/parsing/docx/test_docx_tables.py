from __future__ import annotations

from pipeline.layout import Table
from tests.pipeline.parsing.made_word import cell, paragraph, read, table, word

DOWN, ON = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"


def across(columns: int) -> str:
    return f'<w:gridSpan w:val="{columns}"/>'


def tables_of(body: str) -> tuple[Table, ...]:
    """The tables of a Word file with this body; their offsets cut them out of its text."""
    page = read(word(body)).pages[0]
    for each in page.tables:
        lines = page.text[each.start : each.end].split("\n")
        assert len(lines) == len(each.rows) + 2
        assert all(line.startswith("| ") and line.endswith(" |") for line in lines)
    return page.tables


def table_of(body: str) -> Table:
    (found,) = tables_of(body)
    return found


def test_a_value_that_is_merged_down_stands_in_each_row() -> None:
    """Each row of a plan names the plan, though it is printed once."""
    found = table_of(
        table(
            cell("Plan") + cell("Service") + cell("Copay"),
            cell("Gold", DOWN) + cell("Specialist") + cell("$35"),
            cell("", ON) + cell("Emergency") + cell("$150"),
            cell("Silver", DOWN) + cell("Specialist") + cell("$55"),
            cell("", ON) + cell("Emergency") + cell("$300"),
        )
    )
    assert found.header == ("Plan", "Service", "Copay")
    assert found.rows == (
        ("Gold", "Specialist", "$35"),
        ("Gold", "Emergency", "$150"),
        ("Silver", "Specialist", "$55"),
        ("Silver", "Emergency", "$300"),
    )


def test_a_value_that_is_merged_across_stands_in_each_column() -> None:
    """A price for both columns is in both; one over the whole row is there once."""
    found = table_of(
        table(
            cell("Service") + cell("In network") + cell("Out of network"),
            cell("Surgery") + cell("20% for both", across(2)),
            cell("Vision", across(3)),
            cell("Exam") + cell("$10") + cell("$40"),
        )
    )
    assert found.rows == (
        ("Surgery", "20% for both", "20% for both"),
        ("Vision", "", ""),
        ("Exam", "$10", "$40"),
    )


def test_header_of_two_levels() -> None:
    """The names above several columns go before the names of each of them."""
    found = table_of(
        table(
            cell("Service", DOWN) + cell("You pay", across(2)),
            cell("", ON) + cell("In network") + cell("Out of network"),
            cell("Cleaning", DOWN) + cell("$0") + cell("$30"),
            cell("", ON) + cell("$5 second visit") + cell("$35"),
        )
    )
    assert found.header == ("Service", "You pay / In network", "You pay / Out of network")
    assert found.rows[1] == ("Cleaning", "$5 second visit", "$35")


def test_repeated_header_rows_are_the_header() -> None:
    """Rows that Word repeats on every page name the columns, however many they are."""
    marked = "<w:trPr><w:tblHeader/></w:trPr>"
    found = table_of(
        table(
            marked + cell("2026") + cell("2026"),
            marked + cell("Rate") + cell("Limit"),
            cell("$5") + cell("$900"),
        )
    )
    assert (found.header, found.rows) == (("2026 / Rate", "2026 / Limit"), (("$5", "$900"),))


def test_a_table_of_values_has_no_header() -> None:
    """A first row that holds an amount, or a label with its value, is a row like the others."""
    for first in (cell("Deductible") + cell("$500"), cell("Insured:") + cell("Otto")):
        found = table_of(table(first, cell("Plan") + cell("Gold")))
        assert found.header == ()
        assert len(found.rows) == 2


def test_a_row_above_the_header_is_the_caption() -> None:
    """One cell over all columns at the top names the table; further down it begins a section."""
    head = cell("Service") + cell("Copay")
    found = table_of(table(cell("Benefits 2026", across(2)), head, cell("Exam") + cell("$10")))
    assert (found.caption, found.header) == ("Benefits 2026", ("Service", "Copay"))
    sections = table_of(
        table(
            cell("Dental", across(2)),
            cell("Crowns") + cell("12 months"),
            cell("Fillings") + cell("6 months"),
            cell("Vision", across(2)),
            cell("Glasses") + cell("24 months"),
        )
    )
    assert sections.caption == ""
    assert [row[0] for row in sections.rows] == [
        "Dental",
        "Crowns",
        "Fillings",
        "Vision",
        "Glasses",
    ]


def test_a_nested_table_keeps_its_rows() -> None:
    """A table in a cell is written into the cell, row by row, and no row is torn."""
    inner = table(cell("Generic") + cell("$5"), cell("Brand") + cell("$40")) + paragraph("")
    found = table_of(
        table(
            cell("Drugs") + cell("Cost"),
            cell("Retail") + cell(inner),
            cell("Hospital | other") + cell("$200"),
        )
    )
    assert found.rows == (("Retail", "Generic: $5; Brand: $40"), ("Hospital | other", "$200"))


def test_a_table_that_only_frames_text_is_no_table() -> None:
    """Blocks in a table of one cell stay blocks, a table among them too."""
    inner = table(cell("Plan") + cell("Copay"), cell("Gold") + cell("$15"))
    body = table(cell(paragraph("Important.") + paragraph("Read this.") + inner + paragraph("")))
    text = read(word(body)).text
    assert text == "Important.\n\nRead this.\n\n| Plan | Copay |\n| --- | --- |\n| Gold | $15 |"


def test_headings_in_cells_only_look_like_some() -> None:
    """Cells that are set in a heading's style are cells, and the table stays one."""
    heading = '<w:pStyle w:val="Heading2"/>'
    found = table_of(
        table(
            cell(paragraph("Plan", heading)) + cell(paragraph("Copay", heading)),
            cell("Gold") + cell("$15"),
        )
    )
    assert (found.header, found.rows) == (("Plan", "Copay"), (("Gold", "$15"),))


def test_lines_of_a_cell_stay_apart() -> None:
    """Paragraphs in a cell are parted where the text does not go on."""
    two = paragraph("Individual: $500") + paragraph("Family: $1,000")
    wrapped = paragraph("Office visit") + paragraph("(not preventive)")
    found = table_of(table(cell("Service") + cell("Limit"), cell(wrapped) + cell(two)))
    assert found.rows == (("Office visit (not preventive)", "Individual: $500; Family: $1,000"),)


def test_borders_that_do_not_meet_make_no_column() -> None:
    """A column that only dragged borders make is dropped, and every value stays in its own."""
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in (2800, 40, 2800, 2800))
    rows = table(
        cell("Service", across(2)) + cell("In") + cell("Out"),
        cell("Exam") + cell("$10", across(2)) + cell("$40"),
    )
    found = table_of(rows.replace("<w:tbl>", f"<w:tbl><w:tblGrid>{grid}</w:tblGrid>"))
    assert found.header == ("Service", "In", "Out")
    assert found.rows == (("Exam", "$10", "$40"),)


def test_cells_that_begin_later_keep_their_column() -> None:
    """A row that begins further right has empty cells before."""
    found = table_of(
        table(
            cell("Age") + cell("Sex") + cell("Rate"),
            cell("20") + cell("m") + cell("$5"),
            '<w:trPr><w:gridBefore w:val="2"/></w:trPr>' + cell("$6"),
        )
    )
    assert found.rows[1] == ("", "", "$6")


def test_deleted_rows_are_left_out() -> None:
    """A row deleted in tracked changes is gone, an inserted one is there."""
    found = table_of(
        table(
            cell("Plan") + cell("Copay"),
            '<w:trPr><w:del w:id="1"/></w:trPr>' + cell("Bronze") + cell("$99"),
            '<w:trPr><w:ins w:id="2"/></w:trPr>' + cell("Gold") + cell("$15"),
        )
    )
    assert found.rows == (("Gold", "$15"),)


def test_check_boxes_fill_cells() -> None:
    """A check box control around a cell's paragraph or around the cell itself is its value."""
    box = "<w:sdtPr><w14:checkbox><w14:checked w14:val='{}'/></w14:checkbox></w:sdtPr>"
    inner = f"<w:sdt>{box.format(1)}<w:sdtContent>{paragraph('☒')}</w:sdtContent></w:sdt>"
    around = f"<w:sdt>{box.format(0)}<w:sdtContent>{cell('☐')}</w:sdtContent></w:sdt>"
    found = table_of(
        table(
            cell("Cover") + cell("Taken"),
            cell("Towing") + cell(inner),
            cell("Rental") + around,
        )
    )
    assert found.rows == (("Towing", "[x]"), ("Rental", "[ ]"))


def test_offsets_hold_for_text_that_normalizing_shortens() -> None:
    """Combining accents before a table do not move its place."""
    body = paragraph("Pre\u0301mie e\u0301 " * 30) + table(
        cell("Plan") + cell("Pre\u0301mie"), cell("Gold") + cell("15 €")
    )
    assert table_of(body).header == ("Plan", "Prémie")


def test_many_merged_cells_do_not_multiply() -> None:
    """A table that merges a thousand columns in each of a thousand rows is read in time."""
    rows = [cell(f"{n}", across(1000)) + cell("x", across(1000)) for n in range(1000)]
    assert "| 999 | x |" in read(word(table(*rows))).text


def test_deeply_nested_tables_are_read_in_time() -> None:
    """Tables nested 40 deep cost no more than their words, wherever in their rows they stand."""
    body = cell("core")
    for depth in range(40):
        row = body + cell("c") if depth % 2 else cell("c") + body
        body = cell(table(row, cell(f"a{depth}") + cell(f"b{depth}")) + paragraph(""))
    text = read(word(table(body + cell("y"), cell("x") + cell("z")))).text
    assert "core" in text
    assert "a39" in text
