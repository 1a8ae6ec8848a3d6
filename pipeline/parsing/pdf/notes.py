"""Notes of a PDF for a person: pages and pictures not read, text left out or replaced."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.documents import ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.notes import Note, NoteKind
from pipeline.parsing.pdf.pieces import PageDraft

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

# The share of a page's glyphs without a character above which the page is not fully read.
_MAX_UNCERTAIN = 0.02
_PLACEHOLDER = re.compile(r"please wait|adobe reader|acrobat", re.IGNORECASE)
_PLACEHOLDER_CHARACTERS = 1_500


def notes_of(
    drafts: Sequence[PageDraft],
    *,
    repair: str | None,
    plain: Sequence[int],
    completed: Sequence[int],
    by_ocr: Sequence[int],
    repeated: int,
    ocr: bool,
    ocr_missing: str | None,
) -> tuple[Note, ...]:
    """The notes of a document, the gaps first.

    Args:
        plain: pages that only the second reading gave.
        completed: pages of which the second reading gave some lines.
        repeated: pages from which running headers and footers were taken.
        ocr: reading of pictures was asked for.
        ocr_missing: it was, and why it cannot be done, as the end of a sentence.
    """
    why = _why_unread(ocr, ocr_missing)
    scanned = [d.number for d in drafts if d.scanned]
    failed = [d.number for d in drafts if d.error]
    partly = [d.number for d in drafts if d.unread and d.number not in by_ocr]
    garbled = [d.number for d in drafts if d.uncertain > _MAX_UNCERTAIN * max(d.characters, 1)]
    hidden = [d.number for d in drafts if d.hidden]
    notes = [
        _note(NoteKind.PAGE_NOT_READ, scanned, f"only pictures, which were not read{why}"),
        _note(NoteKind.PAGE_NOT_READ, failed, "damaged, and could not be read"),
        _note(NoteKind.PICTURE_NOT_READ, partly, f"partly a picture, which was not read{why}"),
        _note(
            NoteKind.CHARACTERS_NOT_READ,
            garbled,
            "set in a font that does not say which characters its signs are",
        ),
        _note(
            NoteKind.HIDDEN_LEFT_OUT,
            hidden,
            "read without the text that no reader sees (white on white, or hidden)",
        ),
        _note(NoteKind.READ_BY_OCR, sorted(by_ocr), "read from pictures by OCR; check numbers"),
        _note(NoteKind.READING_REPLACED, plain, "read line by line, without headings and tables"),
        _note(
            NoteKind.READING_REPLACED,
            sorted(completed),
            "completed with lines that only a second reading found; they stand at the end",
        ),
    ]
    if repeated:
        message = "Running headers, footers and page numbers are left out where they are repeated."
        notes.append(Note(NoteKind.REPEATED_LEFT_OUT, message))
    if repair:
        notes.append(Note(NoteKind.REPAIRED, repair))
    return tuple(note for note in notes if note is not None)


def _why_unread(ocr: bool, missing: str | None) -> str:
    if missing:
        return f": {missing}"
    return "" if ocr else " (NAVIGATOR_OCR is off)"


def _note(kind: NoteKind, numbers: Sequence[int], what: str) -> Note | None:
    if not numbers:
        return None
    subject = f"Page {numbers[0]} is" if len(numbers) == 1 else f"Pages {named(numbers)} are"
    return Note(kind, f"{subject} {what}.", tuple(numbers))


def named(numbers: Sequence[int]) -> str:
    """Page numbers as a person writes them: ``2, 4 and 7 to 9``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [str(r[0]) if len(r) == 1 else f"{r[0]} to {r[-1]}" for r in runs]
    if len(shown) > 8:
        shown = [*shown[:7], f"{len(shown) - 7} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def refuse_placeholder(document: PdfDocument, pages: Sequence[ParsedPage]) -> None:
    """Refuses a dynamic form whose one page only says that another program is needed.

    Raises:
        ParseError: NO_TEXT.
    """
    from pypdfium2 import raw

    if document.get_formtype() != raw.FORMTYPE_XFA_FULL:
        return
    text = " ".join(page.text for page in pages)
    if len(text) < _PLACEHOLDER_CHARACTERS and _PLACEHOLDER.search(text):
        message = (
            "The PDF is a dynamic form (XFA) that only Adobe Reader shows: "
            "print it to a new PDF there, and take that in."
        )
        raise ParseError(ParseCode.NO_TEXT, message)
