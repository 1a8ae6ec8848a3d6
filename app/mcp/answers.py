"""Shapes what an assistant is answered: bounded, with citations that can be opened."""

from __future__ import annotations

from typing import Any

from app.api.page_schemas import PageOut
from app.api.routes.search import PassageOut, SearchResult
from app.api.schemas import DocumentDetail, DocumentPage
from app.mcp.addresses import document_address, page_address, picture_address
from pipeline.quotable import citation

PASSAGE_CHARACTERS = 6_000
ANSWER_CHARACTERS = 60_000
"""Of the texts in one answer; its other fields are bounded by the number of items."""
SHORT = 64
MOST_GAPS = 3
MOST_VERSIONS = 10
MOST_NOTES = 20


def search_answer(found: SearchResult) -> dict[str, Any]:
    """Passages with their citations; a text that is cut says so."""
    room = _Room(ANSWER_CHARACTERS)
    passages = [_passage(each, room) for each in found.passages]
    return {**found.model_dump(mode="json", exclude={"passages"}), "passages": passages}


class _Room:
    """What is left of an answer's letters; short texts, such as ids and names, take none."""

    def __init__(self, left: int) -> None:
        self.left, self.cut = left, False

    def fit(self, value: Any) -> Any:
        """A value of JSON with its long texts cut to what is left."""
        if isinstance(value, dict):
            return {name: self.fit(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.fit(each) for each in value]
        if not isinstance(value, str) or len(value) <= SHORT:
            return value
        kept = value[: min(self.left, PASSAGE_CHARACTERS)]
        self.left -= len(kept)
        self.cut |= len(kept) < len(value)
        return kept


def _passage(passage: PassageOut, room: _Room) -> dict[str, Any]:
    room.cut = False
    whole = passage.model_dump(mode="json")
    whole["gaps"] = whole["gaps"][:MOST_GAPS]
    shown: dict[str, Any] = {"text": room.fit(whole.pop("text"))} | room.fit(whole)
    shown["text_cut"] = room.cut
    pages = passage.page_first, passage.page_last
    shown["citation"] = citation(passage.name, *pages, passage.heading_path)
    shown["document_address"] = document_address(passage.document_id)
    if passage.page_first is not None:
        shown["page_address"] = page_address(passage.document_id, passage.page_first)
        shown["picture_address"] = picture_address(passage.document_id, passage.page_first)
    return shown


def page_answer(page: PageOut) -> dict[str, Any]:
    """What was read of a page."""
    fields = {"document_id", "name", "version", "published", "number", "of", "paged", "error"}
    shown: dict[str, Any] = page.model_dump(mode="json", include=fields)
    shown["notes"] = [note.model_dump(mode="json") for note in page.notes[:MOST_NOTES]]
    shown |= _cut(page.text, ANSWER_CHARACTERS)
    if page.picture is not None:
        shown["picture_address"] = picture_address(page.document_id, page.number)
    return shown


def list_answer(found: DocumentPage) -> dict[str, Any]:
    """Documents, each with where it stands."""
    items = []
    for each in found.items:
        shown = each.model_dump(mode="json")
        shown["notes"] = shown["notes"][:MOST_GAPS]
        shown["document_address"] = document_address(each.id)
        items.append(shown)
    return {"items": items, "next": found.next}


def document_answer(document: DocumentDetail) -> dict[str, Any]:
    """A document with its newest versions."""
    shown: dict[str, Any] = document.model_dump(mode="json")
    shown["notes"] = shown["notes"][:MOST_NOTES]
    shown["jobs"] = shown["jobs"][:MOST_VERSIONS]
    for job in shown["jobs"]:
        job["notes"] = job["notes"][:MOST_NOTES]
    return shown


def _cut(text: str, room: int) -> dict[str, Any]:
    return {"text": text[:room], "text_cut": len(text) > room}
