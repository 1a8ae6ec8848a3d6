"""Notes as they are kept with a job, and told to people, each with its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.notes import Note

_MOST_NAMED = 10
_NAMES_PAGES = re.compile(r"\b(?:pages?|sheets?|slides?) \d", re.IGNORECASE)
_MOST_FACTS, _LONGEST_FACT = 50, 500
_ORIGINAL = "Look there in the original."
_OCR = "Set NAVIGATOR_OCR=true, with tesseract installed, and take the document in again."
_TESSERACT = "Install tesseract with its language data, delete the document and take it in again."


@dataclass(frozen=True, slots=True)
class JobNote:
    """A note with what a person can do about it.

    Attributes:
        kind: of `NoteKind`. gap: whether something that a reader sees was not read.
        message: one sentence that names the pages, and no text of the document.
        pages: in order; empty where it is about the whole document.
        remedy: what to do, empty for a note that is no gap.
    """

    kind: str
    gap: bool
    message: str
    pages: tuple[int, ...] = ()
    remedy: str = ""

    def on(self, first: int | None, last: int | None) -> bool:
        """Whether it is about one of these pages, or about a document without pages."""
        if first is None or not self.pages:
            return not self.pages
        return any(first <= page <= (last or first) for page in self.pages)

    def record(self) -> dict[str, Any]:
        """As it is stored, and shown to a program."""
        return {**asdict(self), "pages": list(self.pages)}


def job_notes(notes: Iterable[Note], parser: str) -> list[JobNote]:
    """The notes of a document that this parser read, with what to do about each gap."""
    return [
        JobNote(note.kind.value, note.is_gap, _with_pages(note), note.pages, _remedy(note, parser))
        for note in notes
    ]


def _with_pages(note: Note) -> str:
    """``Pages 2 and 4: pictures were not read.``, unless the sentence names its pages already."""
    if not note.pages or _NAMES_PAGES.search(note.message):
        return note.message
    where = pages_named(note.pages)
    return f"{where[0].upper()}{where[1:]}: {_continued(note.message)}"


def _remedy(note: Note, parser: str) -> str:
    if not note.is_gap:
        return ""
    # Pictures within a text are read by nothing; those of pages can be.
    pictures = bool(note.pages) and "picture" in note.message.lower()
    if not pictures or not parser.startswith("local"):
        return _ORIGINAL
    if "+ocr" not in parser:
        return _OCR
    return _TESSERACT if "tesseract" in note.message else _ORIGINAL


def from_records(records: Iterable[Mapping[str, Any]]) -> list[JobNote]:
    """Notes as `JobNote.record` stored them."""
    return [JobNote(**{**record, "pages": tuple(record["pages"])}) for record in records]


def gaps_of(records: Iterable[Mapping[str, Any]]) -> list[JobNote]:
    """Those of the stored notes that are gaps."""
    return [note for note in from_records(records) if note.gap]


def pages_named(pages: Sequence[int]) -> str:
    """``page 2``, ``pages 2 and 4``, ``pages 1, 3 to 9 and 12``; of very many, the first ones."""
    spans = _spans(pages)
    named = [str(first) if first == last else f"{first} to {last}" for first, last in spans]
    left = sum(last - first + 1 for first, last in spans[_MOST_NAMED:])
    shown = [*named[:_MOST_NAMED], f"{left} more"] if left else named
    noun = "page" if len(set(pages)) == 1 else "pages"
    listed = " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    return f"{noun} {listed}"


def _spans(pages: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of pages that follow each other; two neighbors stay two."""
    spans: list[tuple[int, int]] = []
    for page in sorted(set(pages)):
        if spans and page == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], page)
        else:
            spans.append((page, page))
    return [
        each
        for first, last in spans
        for each in ([(first, first), (last, last)] if last == first + 1 else [(first, last)])
    ]


def _continued(sentence: str) -> str:
    """A sentence as it goes on after a colon; a name or an abbreviation keeps its capital."""
    first = sentence.split(" ", 1)[0]
    return sentence[:1].lower() + sentence[1:] if first[1:].islower() else sentence


def known_facts(facts: Mapping[str, str]) -> dict[str, str]:
    """What a file says of itself, as much of it as is kept with a job."""
    return {
        name[:_LONGEST_FACT]: value[:_LONGEST_FACT]
        for name, value in list(facts.items())[:_MOST_FACTS]
    }
