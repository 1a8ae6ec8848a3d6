"""The values that travel between the stages."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from pipeline.documents import (
    PAGE_BREAK,
    Attachment,
    Chunk,
    ParsedDocument,
    ParsedPage,
    embedding_text,
)
from pipeline.fidelity import Fidelity
from pipeline.identity import sha256_hex
from pipeline.layout import Box, Region, RegionKind, Table
from pipeline.notes import Note, NoteKind
from pipeline.text import normalize

TEXTS = st.text(st.characters(exclude_categories=[]), max_size=60).map(lambda t: normalize(t).text)
OFFSETS = st.integers(0, 10**6)
POINTS = st.floats(0, 5000).map(lambda x: round(x, 1))
BOXES = st.builds(Box, POINTS, POINTS, POINTS, POINTS)
CELLS = st.lists(TEXTS, max_size=3).map(tuple)
TABLES = st.builds(
    Table,
    start=OFFSETS,
    end=OFFSETS,
    header=CELLS,
    rows=st.lists(CELLS, max_size=2).map(tuple),
    caption=TEXTS,
    continues=st.booleans(),
    box=st.none() | BOXES,
)
PAGES = st.builds(
    ParsedPage,
    number=st.integers(1, 5000),
    text=TEXTS,
    scanned=st.booleans(),
    error=st.none() | TEXTS,
    size=st.none() | st.tuples(POINTS, POINTS),
    regions=st.lists(
        st.builds(Region, st.sampled_from(RegionKind), OFFSETS, OFFSETS, BOXES), max_size=2
    ).map(tuple),
    tables=st.lists(TABLES, max_size=2).map(tuple),
    furniture=CELLS,
)
NOTES = st.builds(
    Note,
    kind=st.sampled_from(NoteKind),
    message=TEXTS,
    pages=st.lists(st.integers(1, 5000), max_size=3).map(tuple),
)
FIDELITIES = st.builds(
    Fidelity,
    words_found=st.none() | st.floats(0, 1),
    order_agreement=st.none() | st.floats(0, 1),
    ruled_rows=st.none() | OFFSETS,
    pages=st.none() | OFFSETS,
)
DOCUMENTS = st.builds(
    ParsedDocument,
    pages=st.lists(PAGES, max_size=6).map(tuple),
    paged=st.booleans(),
    parser=TEXTS,
    engine=TEXTS,
    replaced=st.integers(0, 10**6),
    notes=st.lists(NOTES, max_size=3).map(tuple),
    facts=st.dictionaries(TEXTS, TEXTS, max_size=2),
    language=st.sampled_from(["", "en", "de"]),
    attachments=st.lists(st.builds(Attachment, TEXTS, st.binary(max_size=20)), max_size=2).map(
        tuple
    ),
    fidelity=st.none() | FIDELITIES,
)


@given(document=DOCUMENTS)
def test_a_stored_document_is_read_back_equal(document: ParsedDocument) -> None:
    """What `to_json` writes `from_json` reads, field by field and as the same text."""
    raw = document.to_json()
    back = ParsedDocument.from_json(raw)
    for field in dataclasses.fields(ParsedDocument):
        assert getattr(back, field.name) == getattr(document, field.name), field.name
    assert back.text == document.text
    assert back.to_json() == raw
    assert isinstance(json.loads(raw.decode("utf-8")), dict)


def test_a_text_that_was_stored_by_an_earlier_version_is_read() -> None:
    """Pages were lists and notes were sentences; what they lacked is empty now."""
    raw = json.dumps(
        {
            "pages": [[1, "Text", False, None]],
            "paged": True,
            "parser": "local-1",
            "engine": "e",
            "replaced": 2,
            "notes": ["Bytes that stood before the PDF were cut off."],
        }
    ).encode()
    back = ParsedDocument.from_json(raw)
    assert back.pages == (ParsedPage(1, "Text"),)
    assert back.notes == (Note(NoteKind.REPAIRED, "Bytes that stood before the PDF were cut off."),)
    assert back.gaps == ()


@given(document=DOCUMENTS)
def test_page_starts_point_at_the_pages(document: ParsedDocument) -> None:
    """Each page stands in the text at its start, and the breaks between them are all there is."""
    assert len(document.page_starts) == len(document.pages)
    for page, start in zip(document.pages, document.page_starts, strict=True):
        assert document.text[start : start + len(page.text)] == page.text
    length = sum(len(page.text) for page in document.pages)
    breaks = max(len(document.pages) - 1, 0)
    assert len(document.text) == length + breaks * len(PAGE_BREAK)


@given(headings=st.lists(TEXTS.filter(bool), max_size=3).map(tuple), text=TEXTS)
def test_the_content_hash_is_of_what_is_sent(headings: tuple[str, ...], text: str) -> None:
    """Equal hashes mean equal embedding texts, so a vector may be used again."""
    chunk = Chunk(0, 0, text, 0, len(text), headings, None, None, 1)
    assert chunk.embedding_text == embedding_text(list(headings), text)
    assert chunk.sha256 == sha256_hex(chunk.embedding_text)


def test_a_passage_is_sent_with_the_headings_above_it() -> None:
    """Outermost first; without headings the passage alone."""
    assert embedding_text(("Motor", "Exclusions"), "Racing.") == "Motor > Exclusions\n\nRacing."
    assert embedding_text((), "Racing.") == "Racing."
    assert embedding_text(("A",), "| 1 |", "Code") == "A\n\nCode\n\n| 1 |"


def test_place_and_size_are_no_part_of_the_content() -> None:
    """A chunk that only moved keeps its hash."""
    here = Chunk(0, 0, "text", 0, 4, ("H",), 1, 1, 3)
    there = Chunk(9, 1, "text", 70, 74, ("H",), 4, 5, 3)
    assert here.sha256 == there.sha256
