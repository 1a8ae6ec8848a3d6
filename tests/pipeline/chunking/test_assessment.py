"""Chunks are measured against the document's own structure."""

from __future__ import annotations

import math
from dataclasses import replace

from pipeline.chunking import ChunkerOptions, chunk_document
from pipeline.chunking.assessment import Assessment, assess
from pipeline.documents import Chunk, ParsedDocument, ParsedPage
from pipeline.tokens import tokenizer

TABLE = "| Code | Fee |\n|---|---|\n" + "".join(f"| D{n} | ${n} |\n" for n in range(60))
TEXT = f"# Plan\n\nIntro.\n\nPage 1 of 2\n\n## Fees\n\n{TABLE}\n## Claims\n\nCall us."


def document() -> ParsedDocument:
    """Two sections and a table."""
    return ParsedDocument((ParsedPage(1, TEXT),), True, "test-1", "test")


def cut(start: str, end: str) -> Chunk:
    """A chunk from one text to another, made by hand."""
    first, last = TEXT.index(start), TEXT.index(end) + len(end)
    return Chunk(0, 0, TEXT[first:last], first, last, (), 1, 1, 1)


def test_what_the_chunker_makes_lacks_nothing() -> None:
    """No chunk is a heading or a page number alone, and all rows have their columns."""
    chunks = chunk_document(document(), ChunkerOptions(96, 0), tokenizer("cl100k_base"))
    found = assess(document(), chunks)
    assert found.chunks == len(chunks) > 4
    assert found.with_rows > 3
    assert (found.only_headings, found.only_furniture, found.rows_without_columns) == (0, 0, 0)
    assert (found.headings, found.longest_heading) == (3, len("Claims"))
    assert 0 < found.heading_share < 0.1


def test_bad_chunks_are_counted() -> None:
    """A heading alone, a page number alone, rows without their columns."""
    heading, number = cut("## Claims", "## Claims"), cut("Page 1", "of 2")
    rows, with_header = cut("| D7 |", "| $9 |"), cut("| Code", "| $3 |")
    found = assess(document(), [heading, number, rows, with_header])
    assert (found.only_headings, found.only_furniture) == (1, 1)
    assert (found.with_rows, found.rows_without_columns) == (2, 1)
    beside = replace(rows, context="Columns: Code | Fee")
    assert assess(document(), [beside]).rows_without_columns == 0


def test_shares_for_the_gate_are_not_numbers_where_there_is_nothing_to_judge() -> None:
    """A short note may be a heading alone, and a text may have no table."""
    numbers = {"headings": 1, "longest_heading": 9, "heading_share": 0.5}
    note = Assessment(1, 1, 0, 0, 0, **numbers)  # type: ignore[arg-type]
    assert math.isnan(note.substantial_share)
    assert math.isnan(note.headed_share)
    odd = Assessment(10, 2, 3, 4, 1, **numbers)  # type: ignore[arg-type]
    assert (odd.substantial_share, odd.headed_share) == (0.5, 0.75)
