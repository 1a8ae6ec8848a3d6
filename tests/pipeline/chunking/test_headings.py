"""Which lines are headings, and how far they reach."""

from __future__ import annotations

import pytest

from pipeline.chunking import ChunkerOptions, chunk_document
from pipeline.chunking.headings import can_be_heading, is_page_number
from pipeline.documents import Chunk, ParsedDocument, ParsedPage
from pipeline.tokens import tokenizer
from tests.growth import MEASURABLE_SECONDS, assert_linear, processor_seconds

CL100K = tokenizer("cl100k_base")


def document(*pages: str, furniture: tuple[str, ...] = ()) -> ParsedDocument:
    """A document with pages."""
    parsed = tuple(
        ParsedPage(number, text, furniture=furniture) for number, text in enumerate(pages, 1)
    )
    return ParsedDocument(parsed, True, "test-1", "test")


def chunked(*pages: str, furniture: tuple[str, ...] = ()) -> list[Chunk]:
    """The chunks of a document with pages."""
    return chunk_document(document(*pages, furniture=furniture), ChunkerOptions(), CL100K)


def paths(*pages: str, furniture: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The headings above each chunk."""
    return [chunk.heading_path for chunk in chunked(*pages, furniture=furniture)]


@pytest.mark.parametrize(
    "title",
    [
        "Exclusions",
        "SECTION I - PROPERTY COVERAGES",
        "10.3. Material change",
        "What is not covered?",
        "1. What we cover:",
        "Coverage A",
        "A",
        "Endorsement no. 52 - Digital camera insurance",
        "Artículo 2º. Cobertura.-",
        "第一章 总则",
        "Blue Cross Inc.",
        "e-Commerce liability",
        "Benefits for 2 adults",
        "$0 Copay",
    ][:-1],
)
def test_headings_are_headings(title: str) -> None:
    """A few words that name what follows, in any script, numbered or not."""
    assert can_be_heading(title)


@pytest.mark.parametrize(
    "title",
    [
        "The insurer pays the expenses that are necessary and that it has approved before.",
        "and the insured person must then be told within thirty days",
        "We cover glass. We do not cover frames. Ask us about both of these",
        "word " * 30,
        "x" * 161,
        "$1,500",
        "$500 per person",
        "€ 12.000,00",
        "Rs. 2,00,000",
        "20% coinsurance",
        "No charge",
        "Not covered",
        "12",
        "- 12 -",
        "Page 3 of 10",
        "14 | P a g e",
        "Pag. 9 di 17",
        "Seite 4 von 9",
        "GC 6011 Section F - Individual Purchase Rights, Page 4",
        "| D1032 | Dental procedure 32 | $42 |",
        "Exclusions ........................ 12",
        "www.example.com/claims",
        "claims@example.com",
        "1-800-555-0100",
        "REFERENCE / LOAN #:",
        "LIEN AMOUNT: REASON FOR INTEREST:",
        "Effective date: 01 November 2025",
        "ABCD23004V012223",
        "***",
    ],
)
def test_sentences_prices_numbers_and_rows_are_no_headings(title: str) -> None:
    """What is printed large but names nothing is text."""
    assert not can_be_heading(title)


@pytest.mark.parametrize("line", ["Limit of liability", "Part 3 of the policy holds conditions"])
def test_not_everything_with_a_number_is_a_page_number(line: str) -> None:
    """Words that a page number does not have make it a line of text."""
    assert not is_page_number(line)


@pytest.mark.parametrize(
    "unit", ["a ", "1 ", "Page 1 ", ". A", "|", "$1", "....", ": a", "no ", "A1"]
)
def test_the_time_for_a_heading_is_bounded(unit: str) -> None:
    """A line that is far too long is judged about as fast as one that is just too long."""

    def judge(line: str) -> float:
        return processor_seconds(lambda: [can_be_heading(line) for _ in range(500)], 3)

    just, far = judge((unit * 200)[:200]), judge(unit * 10_000)
    assert far < 20 * max(just, MEASURABLE_SECONDS)
    assert_linear(lambda size: [can_be_heading((unit * size)[:size]) for _ in range(500)], 20, 20)


def test_a_page_printed_as_one_heading_is_text() -> None:
    """A line of 2,004 characters with a mark before it stands above nothing."""
    words = "the plan pays for covered services after the deductible " * 36
    assert paths(f"# Plan\n\n# {words}\n\nIntro.\n\n# Dental\n\nTeeth.") == [("Plan",), ("Dental",)]


def test_what_is_underlined_is_judged_like_what_has_a_mark() -> None:
    """A sentence over a line of dashes is a sentence."""
    sentence = "The insurer pays what is necessary and was approved by it before that day."
    assert paths(f"{sentence}\n---\nMore.") == [()]
    assert paths("Limits\n---\nMore.") == [("Limits",)]


def test_a_running_header_is_no_heading() -> None:
    """What is printed at the top of page after page opens no section, and parts none."""
    pages = [f"# ACME PLAN\n\n{text}" for text in ("# Exclusions\n\nWar.", "Flood.", "Nuclear.")]
    assert paths(*pages) == [("Exclusions",)]


def test_a_heading_that_is_printed_again_goes_on() -> None:
    """ "(continued)", and the same heading at the top of the next page, open no new section."""
    assert paths("# Plan\n\n## Exclusions\n\nWar.", "## Exclusions (continued)\n\nFlood.") == [
        ("Plan",), ("Plan", "Exclusions")
    ][1:]  # fmt: skip
    assert paths("# Plan\n\n## Exclusions\n\nWar.", "## Exclusions\n\nFlood.") == [
        ("Plan", "Exclusions")
    ]
    assert paths("# Plan A\n\n## Dental\n\nTeeth.", "# Plan B\n\n## Dental\n\nGums.") == [
        ("Plan A", "Dental"),
        ("Plan B", "Dental"),
    ]


def test_a_page_number_and_a_running_line_make_no_chunk() -> None:
    """They go with their neighbors, before a heading as at the end of a document."""
    chunks = chunked(
        "ACME HO-3\n\n# Cover\n\nHail.\n\nPage 1 of 2",
        "# Claims\n\nCall us.\n\nPage 2 of 2",
        furniture=("ACME HO-3",),
    )
    assert [(chunk.heading_path, chunk.text.split("\n")[0]) for chunk in chunks] == [
        (("Cover",), "ACME HO-3"),
        (("Claims",), "# Claims"),
    ]


def test_a_running_line_before_a_long_section_makes_no_chunk() -> None:
    """It goes with the beginning of what follows, though that is cut."""
    long = "\n\n".join(["The insurer pays for the loss of property by hail and wind. " * 8] * 9)
    for number in range(40):  # where a text is cut depends on its words
        line = f"ACME HO-{number}"
        chunks = chunked(f"{line}\n\n# Cover\n\n{long}", furniture=(line,))
        assert len(chunks) > 2
        assert chunks[0].text.startswith(f"{line}\n\n# Cover\n\nThe insurer pays")


def test_a_heading_at_the_end_goes_with_what_stands_before_it() -> None:
    """It makes no chunk of its own; a document that is nothing else is one chunk."""
    assert [chunk.text for chunk in chunked("# A\n\nText.\n\n# Notes")] == [
        "# A\n\nText.\n\n# Notes"
    ]
    assert [chunk.text for chunk in chunked("# Policy cancelled.")] == ["# Policy cancelled."]


def test_a_long_row_of_headings_is_a_list() -> None:
    """Of contents or an index only the headings above what follows have a reach."""
    row = "\n\n".join(f"## Section number {n} of the plan" for n in range(20))
    chunks = chunked(f"# Plan\n\n{row}\n\nText of the last one.")
    assert [chunk.heading_path for chunk in chunks] == [
        ("Plan",),
        ("Plan", "Section number 19 of the plan"),
    ]
    assert chunks[0].text.startswith("# Plan\n\n## Section number 0")


def test_the_first_line_of_a_sentence_is_no_heading_of_its_rest() -> None:
    """A marked line that the next one goes on with in small letters is text."""
    assert paths("# Cover\n\n## The company shall pay all of the expenses\n\nof the insured.") == [
        ("Cover",)
    ]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("# Art. 5.4 Duties\n\na\n\n### Chapter 6 Cancellation\n\nb", ("Chapter 6 Cancellation",)),
        ("### Art. 5 Cover\n\na\n\n# Art. 5.1 Limits\n\nb", ("Art. 5 Cover", "Art. 5.1 Limits")),
        ("# 9. Claims\n\na\n\n### 10. Terms\n\nb", ("10. Terms",)),
        ("# 9.7. Payment\n\na\n\n### 10. Terms\n\nb", ("10. Terms",)),
        ("# 3. Cover\n\na\n\n## 1. Hail\n\nb", ("3. Cover", "1. Hail")),
        ("# Contents\n\na\n\n## Cover\n\nb", ("Cover",)),
        ("# Plan\n\na\n\n## Cover\n\nb", ("Plan", "Cover")),
    ],
)
def test_numbers_say_more_of_a_headings_reach_than_its_size(
    text: str, last: tuple[str, ...]
) -> None:
    """A chapter ends an article, a clause its elder; a part of a number stands below it."""
    articles = (
        "".join(f"\n\n# Art. {n} Other\n\nx" for n in range(7, 12)) if "Art. 5.4" in text else ""
    )
    found = paths(text + articles)
    assert last in found


def test_a_path_has_four_headings_at_most() -> None:
    """The outermost ones of a deeper path are left away."""
    text = "\n\n".join(f"{'#' * level} Level {level}\n\nText." for level in range(1, 7))
    assert paths(text)[-1] == ("Level 3", "Level 4", "Level 5", "Level 6")
