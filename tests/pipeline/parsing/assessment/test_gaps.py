"""No page is lost without a note."""

from __future__ import annotations

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.notes import Note, NoteKind
from pipeline.parsing.assessment.gaps import with_gaps_noted


def document(*pages: ParsedPage, notes: tuple[Note, ...] = ()) -> ParsedDocument:
    return ParsedDocument(pages, True, "local-1", "test", notes=notes)


def scan(number: int) -> ParsedPage:
    return ParsedPage(number, "", scanned=True)


def test_scanned_and_failed_pages_get_a_note() -> None:
    """Each kind is one note with its pages."""
    found = with_gaps_noted(
        document(ParsedPage(1, "Words."), scan(2), ParsedPage(3, "", error="Broken."), scan(4))
    )
    assert [(note.kind, note.pages) for note in found] == [
        (NoteKind.PICTURE_NOT_READ, (2, 4)),
        (NoteKind.PAGE_NOT_READ, (3,)),
    ]


def test_what_the_parser_told_is_not_told_again() -> None:
    """Its own note stays, and only pages that no gap names are added."""
    told = Note(NoteKind.PAGE_NOT_READ, "Tesseract's data is not installed.", (2,))
    found = with_gaps_noted(document(ParsedPage(1, "Words."), scan(2), scan(4), notes=(told,)))
    assert found == (told, Note(NoteKind.PICTURE_NOT_READ, "A picture was not read.", (4,)))


def test_a_note_that_is_no_gap_tells_of_no_page() -> None:
    """That a page was read anew does not mean that it was read."""
    told = Note(NoteKind.READING_REPLACED, "It was read without its layout.", (2,))
    found = with_gaps_noted(document(ParsedPage(1, "Words."), scan(2), notes=(told,)))
    assert [note.pages for note in found if note.is_gap] == [(2,)]


def test_blank_pages_are_no_gaps() -> None:
    """Nothing stands on them."""
    assert with_gaps_noted(document(ParsedPage(1, "Words."), ParsedPage(2, ""))) == ()
