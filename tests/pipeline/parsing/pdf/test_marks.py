"""Footnote marks, ordinals and powers: raised characters."""

from __future__ import annotations

import pytest

from tests.pipeline.parsing.pdf.made_pdfs import Sheets, only_page, only_table, plain_grid


def raised(sheets: Sheets, x: float, y: float, base: str, mark: str, after: str = "") -> None:
    """Write a base with a raised mark glued to it, and what comes after that."""
    sheets.text(x, y, base)
    width = sheets.canvas.stringWidth(base, "Helvetica", 10)
    sheets.text(x + width, y - 4, mark, size=6)
    x += width + sheets.canvas.stringWidth(mark, "Helvetica", 6)
    sheets.text(x, y, after)


def page_text(base: str, mark: str, after: str = "") -> str:
    """The text of a page with a mark, among lines that have none."""
    sheets = Sheets()
    sheets.lines(72, 100, ["The emergency room copay is", "as it is said in the schedule:"])
    raised(sheets, 72, 140, base, mark, after)
    return only_page(sheets.bytes()).text


@pytest.mark.parametrize(
    ("base", "mark", "right"),
    [
        ("$250", "1", "$250 [1]"),
        ("$1,500", "2", "$1,500 [2]"),
        ("100", "12", "100 [12]"),
        ("copay", "a", "copay [a]"),
        ("$75", "*", "$75 [*]"),
        ("$75", "†", "$75 [†]"),
        ("20%", "3,4", "20% [3,4]"),
        ("20%", "(3)", "20% [3]"),
    ],
)
def test_a_footnote_mark_stands_apart(base: str, mark: str, right: str) -> None:
    """An amount is never joined with the mark of its footnote."""
    assert page_text(f"Copay {base}", mark, " for each visit").endswith(
        f"Copay {right} for each visit"
    )


@pytest.mark.parametrize(
    ("base", "mark", "right"),
    [("1200 m", "2", "1200 m^2"), ("10", "6", "10^6"), ("40 ft", "3", "40 ft^3")],
)
def test_a_power_is_no_footnote(base: str, mark: str, right: str) -> None:
    """A raised number on a unit or on ten is a power."""
    assert page_text(f"Area {base}", mark, " in all").endswith(f"Area {right} in all")


@pytest.mark.parametrize(
    ("base", "mark", "right"),
    [("1", "st", "1st"), ("22", "nd", "22nd"), ("3", "rd", "3rd"), ("30", "th", "30th")],
)
def test_an_ordinal_is_one_word(base: str, mark: str, right: str) -> None:
    """The raised letters of an ordinal belong to its number."""
    assert page_text(f"On the {base}", mark, " day").endswith(f"On the {right} day")


def test_a_trade_mark_is_a_sign() -> None:
    """Raised letters that are a sign become it."""
    assert "Plus™ plan" in page_text("Plus", "TM", " plan")


def test_marks_in_the_cells_of_a_table() -> None:
    """Marks stand apart in cells too."""
    sheets = Sheets()
    rows = [("Service", "Price"), ("Visit", ""), ("Scan", "")]
    plain_grid(rows, widths=[150, 150]).draw(sheets)
    raised(sheets, 225, 129, "$250", "1")
    raised(sheets, 225, 147, "$1,500", "2")
    assert only_table(sheets.bytes()).rows == (("Visit", "$250 [1]"), ("Scan", "$1,500 [2]"))


def test_a_footnote_begins_with_its_number() -> None:
    """The raised number at the beginning of a footnote is not glued to its first word."""
    sheets = Sheets()
    sheets.lines(72, 100, ["The copay is $250.", "The rest is paid by the plan."])
    sheets.text(72, 697, "1", size=5)
    sheets.text(75, 700, "Waived if you are admitted to the hospital.", size=9)
    text = only_page(sheets.bytes()).text
    assert "1Waived" not in text
    assert "Waived if you are admitted to the hospital." in text


def test_a_mark_that_stands_a_little_apart() -> None:
    """A raised number with a small gap before it is a mark, not a number of its own."""
    sheets = Sheets()
    sheets.text(72, 100, "Urgent care $75")
    width = sheets.canvas.stringWidth("Urgent care $75", "Helvetica", 10)
    sheets.text(72 + width + 2, 96, "3", size=6)
    assert only_page(sheets.bytes()).text == "Urgent care $75 [3]"


def test_a_lowered_number_stays_in_its_word() -> None:
    """A number below the line, as in a formula, is no footnote."""
    sheets = Sheets()
    sheets.lines(72, 100, ["Damage by gases such as", "the following is covered:"])
    sheets.text(72, 140, "CO")
    width = sheets.canvas.stringWidth("CO", "Helvetica", 10)
    sheets.text(72 + width, 142, "2", size=6)
    assert "[2]" not in only_page(sheets.bytes()).text


def test_small_print_on_the_same_line_is_no_mark() -> None:
    """Words in small print beside larger ones are words."""
    sheets = Sheets()
    sheets.text(72, 100, "Premium", size=14)
    sheets.text(140, 97, "per month and person", size=7)
    assert only_page(sheets.bytes()).text.split() == ["Premium", "per", "month", "and", "person"]
