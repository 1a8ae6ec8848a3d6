"""Builds a document of a PDF: pages of Markdown, notes, and how well the readings agree."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

from pipeline.documents import ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.fidelity import Fidelity
from pipeline.notes import Note
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.pdf.bombs import refuse_bombs
from pipeline.parsing.pdf.composition import compose
from pipeline.parsing.pdf.continuation import continue_tables
from pipeline.parsing.pdf.furniture import take_out_furniture
from pipeline.parsing.pdf.notes import notes_of, refuse_placeholder
from pipeline.parsing.pdf.reading import Reading
from pipeline.parsing.pdf.repair import OpenedPdf, open_pdf


class PdfText(NamedTuple):
    """The pages of a PDF, what a person should know about them, and measurements."""

    pages: tuple[ParsedPage, ...]
    notes: tuple[Note, ...]
    fidelity: Fidelity


def to_pages(content: bytes, options: ParseOptions) -> PdfText:
    """All pages of a PDF.

    Raises:
        ParseError: ENCRYPTED, BROKEN, TOO_LARGE (unpacked), TOO_MANY_PAGES, or NO_TEXT for a form
            that only one program can show.
    """
    refuse_bombs(content)
    opened = open_pdf(content, options.passwords)
    with closing(opened.document) as document:
        _check_page_count(len(document), options.max_pages)
        return _read(opened, options)


def _check_page_count(count: int, most: int) -> None:
    if count == 0:
        raise ParseError(ParseCode.BROKEN, "The PDF is damaged: it has no pages.")
    if count > most:
        message = f"The PDF has {count:,} pages, more than the limit of {most:,}."
        raise ParseError(ParseCode.TOO_MANY_PAGES, message)


def _read(opened: OpenedPdf, options: ParseOptions) -> PdfText:
    reading = Reading(opened, options)
    reading.read()
    drafts = reading.drafts
    repeated = take_out_furniture(drafts)
    continue_tables(drafts)
    pages = tuple(compose(draft, reading.vocabulary) for draft in drafts)
    refuse_placeholder(opened.document, pages)
    _refuse_incomplete(pages, opened.incomplete)
    notes = notes_of(
        drafts,
        repair=opened.repair,
        plain=reading.plain,
        completed=reading.completed,
        by_ocr=reading.by_ocr,
        repeated=repeated,
        ocr=options.ocr,
        ocr_missing=reading.ocr_missing,
    )
    return PdfText(pages, notes, _fidelity(pages, reading))


def _refuse_incomplete(pages: Sequence[ParsedPage], damaged: bool) -> None:
    """Half a policy must not pass for a whole one."""
    read = sum(page.error is None for page in pages)
    if read == 0:
        raise ParseError(ParseCode.BROKEN, "The PDF is damaged: none of its pages can be read.")
    if damaged and any(page.error or not (page.text or page.scanned) for page in pages):
        read = sum(bool(page.text or page.scanned) for page in pages)
        message = f"The PDF is cut off: of its {len(pages)} pages only {read} can be read."
        raise ParseError(ParseCode.BROKEN, message)


def _fidelity(pages: Sequence[ParsedPage], reading: Reading) -> Fidelity:
    drafts = reading.drafts
    ruled = sum(draft.ruled_rows for draft in drafts)
    shown = [page for page in pages if page.text or page.scanned or page.error]
    return Fidelity(
        words_found=reading.agreement.words_found,
        order_agreement=reading.agreement.order_agreement,
        ruled_rows=ruled or None,
        ruled_rows_whole=sum(draft.whole_rows for draft in drafts) if ruled else None,
        pages=len(shown),
        pages_with_text=sum(bool(page.text) and not page.scanned for page in pages),
        glyphs=sum(draft.characters for draft in drafts),
        glyphs_without_unicode=sum(draft.uncertain for draft in drafts),
    )
