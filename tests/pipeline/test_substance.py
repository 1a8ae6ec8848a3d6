"""Chunks that hold something of their own, and pieces of tables that say what their columns are."""

from __future__ import annotations

import math

from pipeline.chunking.substance import Piece, headed_share, substantial_share
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.layout import Table

ROWS = "| Code | Copay |\n|---|---|\n| D1 | $1 |\n| D2 | $2 |\n| D3 | $3 |"


def document(*texts: str, tables: tuple[Table, ...] = (), furniture: str = "") -> ParsedDocument:
    pages = [
        ParsedPage(number, text, tables=tables, furniture=(furniture,) if furniture else ())
        for number, text in enumerate(texts, 1)
    ]
    return ParsedDocument(tuple(pages), True, "local-1", "test")


def pieces(parsed: ParsedDocument, context: str = "") -> list[Piece]:
    return [
        Piece(start, start + len(page.text), context)
        for page, start in zip(parsed.pages, parsed.page_starts, strict=True)
    ]


def test_headings_running_lines_and_page_numbers_are_not_enough() -> None:
    """Three of six chunks say something."""
    parsed = document(
        "# Section 1\n\nPays for hail.", "# Section 2", "Acme Mutual\n\nPage 3 of 9", "Words.",
        "## Section 3\n\n12", "| D1 | $1 |", furniture="Acme Mutual",
    )  # fmt: skip
    assert substantial_share(parsed, pieces(parsed)) == 0.5


def test_a_note_may_be_a_heading() -> None:
    """A document of a few chunks is not judged."""
    parsed = document("# Endorsement 12")
    assert math.isnan(substantial_share(parsed, pieces(parsed)))


def test_a_piece_has_the_columns_in_it_or_beside_it() -> None:
    """The first piece begins with them; the second needs them as its context."""
    table = Table(0, len(ROWS), ("Code", "Copay"), (("D1", "$1"), ("D2", "$2"), ("D3", "$3")))
    parsed = document(ROWS, tables=(table,))
    cut = ROWS.index("| D2")
    first, bare = Piece(0, cut, ""), Piece(cut, len(ROWS), "")
    assert headed_share(parsed, [first, bare]) == 0.5
    assert headed_share(parsed, [first, Piece(cut, len(ROWS), "Code | Copay")]) == 1.0


def test_a_table_that_goes_on_prints_no_columns() -> None:
    """On the next page the piece begins the table's Markdown, and still needs them beside it."""
    table = Table(0, len(ROWS), ("Code", "Copay"), (), continues=True)
    parsed = document(ROWS, tables=(table,))
    assert headed_share(parsed, pieces(parsed)) == 0.0
    assert headed_share(parsed, pieces(parsed, "Code | Copay")) == 1.0


def test_without_tables_there_is_nothing_to_measure() -> None:
    """As without a header that is known."""
    parsed = document("Words.", tables=(Table(0, 5, (), ()),))
    assert math.isnan(headed_share(parsed, pieces(parsed)))
