"""Notes as they are kept with a job and told to people."""

from __future__ import annotations

import pytest

from pipeline.job_notes import from_records, gaps_of, job_notes, known_facts, pages_named
from pipeline.notes import Note, NoteKind

PICTURES = Note(NoteKind.PICTURE_NOT_READ, "Pictures were not read.", (2, 4))
REPAIRED = Note(NoteKind.REPAIRED, "Bytes that stood before the PDF were cut off.")


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ([2], "page 2"),
        ([4, 2], "pages 2 and 4"),
        ([1, 2], "pages 1 and 2"),
        ([1, 3, 4, 5, 9], "pages 1, 3 to 5 and 9"),
        (range(1, 500), "pages 1 to 499"),
        (range(1, 41, 2), "pages 1, 3, 5, 7, 9, 11, 13, 15, 17, 19 and 10 more"),
        ([2, 2], "page 2"),
    ],
)
def test_pages_are_named_shortly(pages: list[int], words: str) -> None:
    """Runs are drawn together, and of very many the first are named."""
    assert pages_named(pages) == words


def test_a_gap_is_told_with_its_pages_and_what_to_do() -> None:
    """The pages stand before the sentence, which goes on after them."""
    [gap, repair] = job_notes([PICTURES, REPAIRED], "local-1")
    assert gap.message == "Pages 2 and 4: pictures were not read."
    assert "NAVIGATOR_OCR=true" in gap.remedy
    assert "tesseract" in gap.remedy
    assert (repair.gap, repair.remedy) == (False, "")
    assert repair.message == REPAIRED.message


def test_a_name_keeps_its_capital_after_the_pages() -> None:
    """LlamaParse does not become llamaParse."""
    note = Note(NoteKind.PAGE_NOT_READ, "LlamaParse could not read it.", (2,))
    assert job_notes([note], "l")[0].message == "Page 2: LlamaParse could not read it."


@pytest.mark.parametrize("message", ["Pages 2 and 4 are only pictures.", "Sheet 2 is cut off."])
def test_pages_are_not_named_twice(message: str) -> None:
    """A sentence that names them stays as it is."""
    assert job_notes([Note(NoteKind.PAGE_NOT_READ, message, (2, 4))], "l")[0].message == message


@pytest.mark.parametrize("parser", ["local-1+ocr", "llamaparse-v2-agentic-markdown"])
def test_ocr_is_no_remedy_for_who_uses_it(parser: str) -> None:
    """Who reads pictures already, or cannot be told to, is sent to the original."""
    [gap] = job_notes([PICTURES], parser)
    assert "OCR" not in gap.remedy
    assert "original" in gap.remedy


def test_a_missing_tesseract_is_to_be_installed() -> None:
    """Who asked for OCR and has none reads what is missing."""
    message = "Page 2 is only pictures, which were not read: tesseract's data is not installed."
    [gap] = job_notes([Note(NoteKind.PAGE_NOT_READ, message, (2,))], "local-1+ocr")
    assert "Install tesseract" in gap.remedy


def test_a_damaged_page_is_not_for_ocr() -> None:
    """Only pictures are read by it."""
    message = "Page 2 is damaged, and could not be read."
    [gap] = job_notes([Note(NoteKind.PAGE_NOT_READ, message, (2,))], "local-1")
    assert "OCR" not in gap.remedy


def test_stored_notes_are_read_back_equal() -> None:
    """What `record` writes `from_records` reads; `gaps_of` keeps the gaps alone."""
    notes = job_notes([REPAIRED, PICTURES], "local-1")
    records = [note.record() for note in notes]
    assert from_records(records) == notes
    assert gaps_of(records) == [notes[1]]


def test_a_note_says_whether_it_is_about_a_passage() -> None:
    """By its pages; without pages it is about every passage of a document without pages."""
    [gap] = job_notes([PICTURES], "local-1")
    assert gap.on(1, 2)
    assert gap.on(4, 4)
    assert not gap.on(3, 3)
    assert not gap.on(None, None)
    [whole] = job_notes([Note(NoteKind.PART_NOT_READ, "A part was not read.")], "local-1")
    assert whole.on(None, None)
    assert whole.on(3, 3)


def test_facts_are_bounded() -> None:
    """A file cannot make a job's row large."""
    facts = {f"{number}" * 10: "x" * 10_000 for number in range(1_000)}
    kept = known_facts(facts)
    assert len(kept) == 50
    assert max(map(len, kept.values())) == 500


def test_ocr_is_no_remedy_for_pictures_within_a_text() -> None:
    """Nothing reads a picture in a Word file or a web page, so nobody is told to switch OCR on."""
    [gap] = job_notes([Note(NoteKind.PICTURE_NOT_READ, "A picture was not read.")], "local-1")
    assert "OCR" not in gap.remedy
    assert gap.remedy
