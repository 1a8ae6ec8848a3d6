"""PDF to pages of Markdown: liteparse reads, pypdfium2 checks every page and stands in for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from pipeline.documents import ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.notes import Note, NoteKind
from pipeline.parsing.bombs import refuse_bombs
from pipeline.parsing.crosscheck import clean_markdown, has_words, is_trustworthy
from pipeline.parsing.mending import mend
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.repair import open_pdf
from pipeline.parsing.scans import find_tessdata, is_picture, only_in_margins

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_BATCH_PAGES = 50
# A scanner's own line ("Page 1 of 3", a stamp number) is no text layer.
_STAMP_CHARACTERS = 80
# PDFium's marks for a hyphen that broke a word at the end of a line.
_LINE_END_HYPHEN = re.compile("[\x02\ufffe](?:\r?\n)?")
_UNREADABLE = "Nothing could be read on this page."


class PdfText(NamedTuple):
    """The pages of a PDF, not yet normalised, and what a person should know about them."""

    pages: tuple[ParsedPage, ...]
    notes: tuple[Note, ...]


def to_pages(content: bytes, options: ParseOptions) -> PdfText:
    """All pages of a PDF.

    Raises:
        ParseError: ENCRYPTED, BROKEN, TOO_LARGE (unpacked) or TOO_MANY_PAGES.
    """
    refuse_bombs(content)
    opened = open_pdf(content)
    with closing(opened.document) as document:
        _check_page_count(len(document), options.max_pages)
        markdown, failures = _markdown(opened.content, len(document), options)
        damaged = opened.incomplete
        pages = [
            _page(document, number, markdown.get(number, ""), failures.get(number), damaged)
            for number in range(1, len(document) + 1)
        ]
    notes = [Note(NoteKind.REPAIRED, opened.repair)] if opened.repair else []
    _refuse_incomplete(pages, damaged)
    if len(markdown) < len(pages):
        plain = tuple(page.number for page in pages if page.number not in markdown)
        message = f"{len(plain)} pages were read without headings and tables."
        notes.append(Note(NoteKind.READING_REPLACED, message, plain))
    if options.ocr and options.layout and any(page.scanned for page in pages):
        pages, note = _with_ocr(opened.content, pages, options)
        notes.append(note)
    return PdfText(tuple(pages), tuple(notes))


def _check_page_count(count: int, most: int) -> None:
    if count == 0:
        raise ParseError(ParseCode.BROKEN, "The PDF is damaged: it has no pages.")
    if count > most:
        message = f"The PDF has {count:,} pages, more than the limit of {most:,}."
        raise ParseError(ParseCode.TOO_MANY_PAGES, message)


def _refuse_incomplete(pages: list[ParsedPage], damaged: bool) -> None:
    """Half a policy must not pass for a whole one."""
    read = sum(page.error is None for page in pages)
    if read == 0:
        raise ParseError(ParseCode.BROKEN, "The PDF is damaged: none of its pages can be read.")
    if damaged and read < len(pages):
        message = f"The PDF is cut off: of its {len(pages)} pages only {read} can be read."
        raise ParseError(ParseCode.BROKEN, message)


def _markdown(
    content: bytes, count: int, options: ParseOptions
) -> tuple[dict[int, str], dict[int, str]]:
    """What liteparse makes of each page, and the pages that it could not read."""
    if not options.layout:
        return {}, {}
    import liteparse

    parser = liteparse.LiteParse(
        ocr_enabled=False,
        keep_headers_footers=True,
        output_format="markdown",
        image_mode="off",
        extract_links=False,
        continue_on_page_error=True,
        max_pages=max(count, options.max_pages),
        quiet=True,
    )
    pages: dict[int, str] = {}
    failures: dict[int, str] = {}
    try:
        for batch in parser.parse_batches(content, _BATCH_PAGES):
            failures.update((e.page_num, _UNREADABLE) for e in batch.result.page_errors)
            pages.update((p.page_num, clean_markdown(p.markdown)) for p in batch.result.pages)
    except liteparse.ParseError:
        pass  # what it refuses, PDFium may still read: those pages come from the plain extraction
    except BaseException as error:
        # A panic of its Rust core is no `Exception`; it is worth no more than a refusal.
        if type(error).__name__ != "PanicException":
            raise
    return pages, failures


def _page(
    document: PdfDocument, number: int, markdown: str, failure: str | None, damaged: bool
) -> ParsedPage:
    from pypdfium2 import PdfiumError

    try:
        with closing(document[number - 1]) as page, closing(page.get_textpage()) as layer:
            plain = _LINE_END_HYPHEN.sub("", layer.get_text_bounded()).strip()
            text = markdown if is_trustworthy(markdown, plain) else mend(markdown, plain)
            stamp = len(text) < _STAMP_CHARACTERS and only_in_margins(page, layer)
            scanned = stamp and is_picture(page)
    except PdfiumError:
        plain, text, scanned, failure = "", markdown, False, failure or _UNREADABLE
    text = text if has_words(text) else ""
    lost = not text and not scanned and (damaged or failure is not None)
    return ParsedPage(number, text, scanned=scanned, error=_UNREADABLE if lost else None)


def _with_ocr(
    content: bytes, pages: list[ParsedPage], options: ParseOptions
) -> tuple[list[ParsedPage], Note]:
    """The pages with the scanned ones read, and a note saying how that went."""
    tessdata = find_tessdata(options.tessdata_path)
    if tessdata is None:
        message = "Scanned pages were not read: tesseract's English data is not installed."
        unread = tuple(page.number for page in pages if page.scanned)
        return pages, Note(NoteKind.PAGE_NOT_READ, message, unread)
    scanned = [page.number for page in pages if page.scanned]
    read = _ocr(content, scanned, tessdata)
    mended = [_read_page(page, read.get(page.number, "")) for page in pages]
    left = sum(page.scanned for page in mended)
    message = f"{len(scanned) - left} of {len(scanned)} scanned pages were read with OCR."
    return mended, Note(NoteKind.READ_BY_OCR, message, tuple(scanned))


def _read_page(page: ParsedPage, text: str) -> ParsedPage:
    return ParsedPage(page.number, text) if page.scanned and has_words(text) else page


def _ocr(content: bytes, numbers: Iterable[int], tessdata: str) -> dict[int, str]:
    import liteparse

    parser = liteparse.LiteParse(
        ocr_enabled=True,
        ocr_failure_fatal=False,
        ocr_language="eng",
        tessdata_path=tessdata,
        target_pages=",".join(map(str, numbers)),
        keep_headers_footers=True,
        output_format="markdown",
        image_mode="off",
        extract_links=False,
        continue_on_page_error=True,
        max_pages=10**6,
        num_workers=1,
        quiet=True,
    )
    try:
        result = parser.parse(content)
    except liteparse.ParseError:
        return {}
    return {page.page_num: clean_markdown(page.markdown) for page in result.pages}
