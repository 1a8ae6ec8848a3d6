from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.parsing.flowing.tables_in_markdown import table_markdown, tables_of
from tests.growth import assert_linear

PLANS = "| Plan | Copay |\n| --- | --- |\n| Gold | $15 |\n| Silver | $25 |"


def test_a_table_is_found_with_its_place() -> None:
    """A table's offsets cut exactly its Markdown out of the text."""
    text = f"# Copays\n\nWhat you pay.\n\n{PLANS}\n\nAfter it."
    (table,) = tables_of(text)
    assert text[table.start : table.end] == PLANS
    assert table.header == ("Plan", "Copay")
    assert table.rows == (("Gold", "$15"), ("Silver", "$25"))
    assert table.caption == ""


def test_tables_are_told_apart() -> None:
    """Two tables with a line between them are two, in their order."""
    text = f"{PLANS}\n\n{PLANS.replace('Gold', 'Bronze')}"
    assert [table.rows[0][0] for table in tables_of(text)] == ["Gold", "Bronze"]


def test_an_escaped_bar_stays_in_its_cell() -> None:
    """A bar that belongs to a cell is escaped in the Markdown and none in the structure."""
    text = table_markdown(["Cover", "Limit"], [["Fire | smoke", "$9,000"]])
    assert "Fire \\| smoke" in text
    assert tables_of(text)[0].rows == (("Fire | smoke", "$9,000"),)


def test_a_table_without_header_says_so() -> None:
    """A blank heading row is no header."""
    (table,) = tables_of(table_markdown((), [["Deductible", "$500"]]))
    assert table.header == ()
    assert table.rows == (("Deductible", "$500"),)


def test_rows_of_unlike_length_lose_nothing() -> None:
    """Rows that are shorter or longer than the header are filled up to the widest."""
    (table,) = tables_of("|a|b|\n|-|:-:|\n|1|\n|1|2|3|")
    assert table.header == ("a", "b", "")
    assert table.rows == (("1", "", ""), ("1", "2", "3"))


@pytest.mark.parametrize(
    "text",
    [
        "a | b\n---|---\n1 | 2",
        "a | b\n:-- | --:\n1 | 2\n",
        "| a | b |  \n|---|---|\n| 1 | 2 |",
        "  | a | b |\n  |---|---|\n  | 1 | 2 |",
    ],
)
def test_every_spelling_of_a_table_is_read(text: str) -> None:
    """Outer bars may be missing, columns aligned, lines indented."""
    (table,) = tables_of(text)
    assert (table.header, table.rows) == (("a", "b"), (("1", "2"),))


@pytest.mark.parametrize(
    "text",
    [
        "Either | or\n\nis no table.",
        "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```",
        "| alone |",
        "Title\n---\n\ntext",
        "a | b | c\n---|---\n1 | 2",
    ],
)
def test_what_is_no_table_is_none(text: str) -> None:
    """Bars in prose and code, and rules without a heading row above, make no table."""
    assert tables_of(text) == ()


def test_rows_without_a_rule_are_a_table_without_header() -> None:
    """Framed lines that follow each other are rows, even where the rule is missing."""
    (table,) = tables_of("| Office visit | $20 |\n| Scan | $250 |")
    assert table.header == ()
    assert table.rows == (("Office visit", "$20"), ("Scan", "$250"))


@pytest.mark.parametrize(
    ("line", "caption"),
    [
        ("Table 3: Copays by plan", "Table 3: Copays by plan"),
        ("**Copays by plan**", "Copays by plan"),
        ("*Schedule A – limits*", "Schedule A – limits"),
        ("What you pay is told below.", ""),
        ("The table shows what you pay.", ""),
        ("Table " + "1" * 300, ""),
    ],
)
def test_captions_are_recognized(line: str, caption: str) -> None:
    """The line above names the table when it is numbered as one or stands out as a whole."""
    for gap in ("\n", "\n\n"):
        assert tables_of(f"{line}{gap}{PLANS}")[0].caption == caption


_CELL = st.text(alphabet="ab$|\\ -:1é", max_size=6).map(lambda s: " ".join(s.split()))


@given(st.integers(1, 4), st.data())
def test_what_is_written_is_read_back(width: int, data: st.DataObject) -> None:
    """Any cells come back from their Markdown, with a header or without."""
    row = st.lists(_CELL, min_size=width, max_size=width).map(tuple)
    header, rows = data.draw(row), data.draw(st.lists(row, min_size=1, max_size=4))
    text = table_markdown(header, rows)
    (table,) = tables_of(f"Before.\n\n{text}\n\nAfter.")
    assert table.header == (header if any(header) else ())
    assert table.rows == tuple(rows)


@pytest.mark.parametrize("unit", ["|", "|-", "| a |\n", "*_", "\\|", "<br", "```\n|\n"])
def test_hostile_texts_are_read_in_time(unit: str) -> None:
    """What looks like tables is looked through in time that grows with its length."""
    assert_linear(lambda size: tables_of(unit * (size // len(unit))), 50_000)
