"""The values that travel between the stages."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from pipeline.documents import PAGE_BREAK, Chunk, ParsedDocument, ParsedPage, embedding_text
from pipeline.identity import sha256_hex
from pipeline.text import normalise

TEXTS = st.text(st.characters(exclude_categories=[]), max_size=60).map(lambda t: normalise(t).text)
PAGES = st.builds(
    ParsedPage,
    number=st.integers(1, 5000),
    text=TEXTS,
    scanned=st.booleans(),
    error=st.none() | TEXTS,
)
DOCUMENTS = st.builds(
    ParsedDocument,
    pages=st.lists(PAGES, max_size=6).map(tuple),
    paged=st.booleans(),
    parser=TEXTS,
    engine=TEXTS,
    replaced=st.integers(0, 10**6),
    notes=st.lists(TEXTS, max_size=3).map(tuple),
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


def test_place_and_size_are_no_part_of_the_content() -> None:
    """A chunk that only moved keeps its hash."""
    here = Chunk(0, 0, "text", 0, 4, ("H",), 1, 1, 3)
    there = Chunk(9, 1, "text", 70, 74, ("H",), 4, 5, 3)
    assert here.sha256 == there.sha256
