"""Counts over headings, and over lines that return on every page."""

from __future__ import annotations

import math

import pytest

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.parsing.assessment.structure import headings_of, repeated_furniture

PARAGRAPH = "The insurer pays for direct physical loss to the covered property. " * 10


def paged(*texts: str) -> ParsedDocument:
    pages = tuple(ParsedPage(number, text) for number, text in enumerate(texts, 1))
    return ParsedDocument(pages, True, "local-1", "test")


def test_usual_headings_are_sane() -> None:
    """Short lines with letters, also with a number or an amount in them."""
    text = f"# Policy\n\n## Section 2: $500 deductible\n\n{PARAGRAPH}\n\n## 4. Exclusions\n"
    assert (headings_of(text).count, headings_of(text).odd) == (3, 0)
    assert headings_of(text).sane == 1.0


@pytest.mark.parametrize(
    "heading",
    [
        "You must tell us of any loss as soon as you can, and send us all bills that you have had.",
        "$1,250.00",
        "12",
        "Page 3 of 14",
        "Seite 3 von 14",
        "word " * 100,
    ],
)
def test_what_can_be_no_heading_is_odd(heading: str) -> None:
    """Sentences, prices, page numbers and whole paragraphs."""
    assert headings_of(f"# {heading}\n\n{PARAGRAPH}").odd == 1


def test_a_text_of_headings_is_odd() -> None:
    """When most of a text stands in headings, they are none."""
    found = headings_of("\n\n".join(f"# Cover number {number}" for number in range(200)))
    assert found.share > 0.7
    assert found.sane < 0.3


def test_a_text_without_headings_is_not_judged() -> None:
    """There is nothing to measure."""
    assert math.isnan(headings_of(PARAGRAPH).sane)


def test_running_lines_are_counted_by_pages() -> None:
    """A header and a numbered footer on every page; the first page may have them."""
    pages = [f"Acme Mutual\n\n{PARAGRAPH}{n}\n\nPage {n} of 9" for n in range(1, 10)]
    assert repeated_furniture(paged(*pages)) == 1.0
    alone = [f"{PARAGRAPH}{chr(0x40 + n)}" for n in range(1, 10)]
    assert repeated_furniture(paged("Acme Mutual\n\n" + alone[0], *alone[1:])) == 0.0


def test_numbered_headings_are_no_running_lines() -> None:
    """A section that begins on each page has a heading of its own there."""
    pages = [f"# Section {n} Conditions\n\n{PARAGRAPH}{chr(0x40 + n)}" for n in range(1, 10)]
    assert repeated_furniture(paged(*pages)) == 0.0


def test_a_table_over_pages_repeats_its_columns_rightly() -> None:
    """The names of a table's columns are no running header."""
    pages = [f"| Code | Copay |\n|---|---|\n| D{n} | ${n} |" for n in range(9)]
    assert repeated_furniture(paged(*pages)) == 0.0


def test_two_pages_are_too_few_to_tell() -> None:
    """And a format without pages has none."""
    assert math.isnan(repeated_furniture(paged("Acme\n\none", "Acme\n\ntwo")))
    single = ParsedDocument((ParsedPage(1, "Acme"),), False, "local-1", "test")
    assert math.isnan(repeated_furniture(single))
