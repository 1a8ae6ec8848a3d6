"""Notes the gaps of a document, so that no page is lost in silence, whichever parser read it."""

from __future__ import annotations

from pipeline.documents import ParsedDocument
from pipeline.notes import Note, NoteKind


def with_gaps_noted(document: ParsedDocument) -> tuple[Note, ...]:
    """The document's notes, and one more for pages that were not read and that no gap names."""
    named = {page for note in document.gaps for page in note.pages}
    untold = {page.number: page for page in document.pages if page.number not in named}
    if any(not note.pages for note in document.gaps) and not document.paged:
        untold = {}
    scanned = [number for number, page in untold.items() if page.scanned]
    failed = [number for number, page in untold.items() if page.error is not None]
    picture = "A picture was not read." if len(scanned) == 1 else "Pictures were not read."
    added = [
        Note(kind, message, tuple(pages) if document.paged else ())
        for kind, message, pages in (
            (NoteKind.PICTURE_NOT_READ, picture, scanned),
            (NoteKind.PAGE_NOT_READ, "Nothing of it could be read.", failed),
        )
        if pages
    ]
    return (*document.notes, *added)
