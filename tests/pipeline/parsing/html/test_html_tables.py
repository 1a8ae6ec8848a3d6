from __future__ import annotations

from pipeline.layout import Table
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions


def parse(markup: str) -> str:
    return parse_bytes(markup.encode(), MediaType.HTML, ParseOptions()).text


def table_of(markup: str) -> Table:
    page = parse_bytes(markup.encode(), MediaType.HTML, ParseOptions()).pages[0]
    (found,) = page.tables
    assert page.text[found.start : found.end].count("\n") == len(found.rows) + 1
    return found


def test_row_spans_keep_the_columns() -> None:
    """A value over several rows is in each, and what stands beside it stays in its column."""
    found = table_of(
        "<table><thead><tr><th rowspan=2>Service<th colspan=2>You pay<tr><th>In network"
        "<th>Out of network<tbody><tr><td rowspan=2>Cleaning<td>$0<td>$30"
        "<tr><td>$5 second visit<td>$35<tr><td>Crowns<td colspan=2>50% for both</table>"
    )
    assert found.header == ("Service", "You pay / In network", "You pay / Out of network")
    assert found.rows == (
        ("Cleaning", "$0", "$30"),
        ("Cleaning", "$5 second visit", "$35"),
        ("Crowns", "50% for both", "50% for both"),
    )


def test_a_row_span_ends_with_its_section() -> None:
    """A span to the end, or one too long, ends with the rows of its part of the table."""
    for span in ("0", "99"):
        found = table_of(
            f"<table><tr><th>Plan<th>Copay<tbody><tr><td rowspan={span}>Gold<td>$1<tr><td>$2"
            "<tbody><tr><td>Silver<td>$3</table>"
        )
        assert found.rows == (("Gold", "$1"), ("Gold", "$2"), ("Silver", "$3"))


def test_feet_come_last() -> None:
    """The foot of a table is at its foot, wherever the source has it."""
    found = table_of(
        "<table><thead><tr><th>a<th>b<tfoot><tr><td>Total<td>$3<tbody><tr><td>One<td>$3</table>"
    )
    assert found.rows == (("One", "$3"), ("Total", "$3"))


def test_captions_name_tables() -> None:
    """A caption stands above its table and is known as its name."""
    found = table_of(
        "<table><caption>Copays <b>2026</b></caption><tr><th>Plan<th>Copay<tr><td>A<td>$15</table>"
    )
    assert found.caption == "Copays 2026"


def test_names_of_rows_are_no_header() -> None:
    """A table whose first column names its rows has no names of columns."""
    markup = "".join(f"<tr><th scope=row>{name}<td>{value}" for name, value in
                     (("Plan", "Gold"), ("Copay", "$15")))  # fmt: skip
    found = table_of(f"<table>{markup}</table>")
    assert found.header == ()
    assert found.rows == (("Plan", "Gold"), ("Copay", "$15"))


def test_both_columns_and_rows_have_names() -> None:
    """Names of columns above names of rows are the header, with an empty corner."""
    found = table_of(
        "<table><tr><td><th>In<th>Out<tr><th>Exam<td>$1<td>$2<tr><th>Scan<td>$3<td>$4</table>"
    )
    assert found.header == ("", "In", "Out")
    assert found.rows == (("Exam", "$1", "$2"), ("Scan", "$3", "$4"))


def test_layout_tables_leave_their_blocks() -> None:
    """A table around text is no table; one within it is."""
    text = parse(
        "<table><tr><td><h2>Cover</h2><p>Fire.<td><table><tr><th>Plan<th>Copay"
        "<tr><td>Gold<td>$15</table></table>"
    )
    assert text == "## Cover\n\nFire.\n\n| Plan | Copay |\n| --- | --- |\n| Gold | $15 |"
    assert (
        parse("<table role=presentation><tr><td>a<td>b<tr><td>c<td>d</table>") == "a\n\nb\n\nc\n\nd"
    )


def test_a_nested_table_keeps_its_rows() -> None:
    """A table in a cell is flattened by rows, with the names of its columns when it has three."""
    inner = "<table><tr><th>Tier<th>30 days<th>90 days<tr><td>1<td>$5<td>$9</table>"
    found = table_of(
        "<table><tr><th>Benefit<th>Cost<tr><td>Drugs<td>"
        f"{inner}<tr><td>Exam<td>Adult $10<br>Child $5</table>"
    )
    assert found.rows == (
        ("Drugs", "Tier: 1, 30 days: $5, 90 days: $9"),
        ("Exam", "Adult $10 Child $5"),
    )


def test_lists_in_cells() -> None:
    """Items of a list in a cell are parted, those with numbers keep them."""
    found = table_of(
        "<table><tr><th>A<th>B<tr><td><ul><li>Fire<li>Theft</ul>"
        "<td><ol><li>Call<li>Wait</ol></table>"
    )
    assert found.rows == (("Fire; Theft", "1. Call; 2. Wait"),)


def test_tables_made_of_other_elements() -> None:
    """Elements that call themselves table, row and cell are those."""
    found = table_of(
        "<div role=table><div role=rowgroup><div role=row><span role=columnheader>Plan</span>"
        "<span role=columnheader>Copay</span></div></div><div role=row><span role=cell>Gold</span>"
        "<span role=cell>$15</span></div></div>"
    )
    assert (found.header, found.rows) == (("Plan", "Copay"), (("Gold", "$15"),))


def test_hidden_cells() -> None:
    """A cell that is not displayed takes no column; one that is only invisible takes its own."""
    gone = table_of(
        "<table><tr><th>A<th style='display:none'>X<th>B"
        "<tr><td>1<td style='display:none'>x<td>2</table>"
    )
    assert (gone.header, gone.rows) == (("A", "B"), (("1", "2"),))
    empty = table_of(
        "<table><tr><th>A<th>X<th>B<tr><td>1<td style='visibility:hidden'>x<td>2</table>"
    )
    assert empty.rows == (("1", "", "2"),)


def test_a_bomb_of_spans_is_read_in_time() -> None:
    """Cells that claim a thousand columns and rows each do not multiply."""
    row = "<tr>" + "<td colspan=1000 rowspan=1000>x" * 20
    assert "x" in parse(f"<table><tr><td>a<td>b{row * 200}</table>")
