"""A PDF as a document: pages of Markdown, notes, and how well the readings agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from pipeline.documents import ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.fidelity import Fidelity
from pipeline.layout import Box, RegionKind
from pipeline.parsing.bombs import refuse_bombs
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.pdf.assembly import draft_page
from pipeline.parsing.pdf.composition import compose
from pipeline.parsing.pdf.continuation import continue_tables
from pipeline.parsing.pdf.furniture import take_out_furniture
from pipeline.parsing.pdf.marks import split_marks
from pipeline.parsing.pdf.notes import notes_of, refuse_placeholder
from pipeline.parsing.pdf.orientation import rotations_of, without_rotation
from pipeline.parsing.pdf.pictures import is_scanned, unread_pictures
from pipeline.parsing.pdf.pieces import PageDraft, Piece, TextLine
from pipeline.parsing.pdf.reader import LayoutReader, main_turn
from pipeline.parsing.pdf.second_reading import Agreement, compare, lost_lines, plain_text
from pipeline.parsing.repair import OpenedPdf, open_pdf
from pipeline.parsing.scans import find_tessdata

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

    from pipeline.notes import Note
    from pipeline.parsing.pdf.ink import PageInk

UNREADABLE = "Nothing could be read on this page."
# Below this share of a page's letters, what the second reading has more is added.
_MIN_FOUND = 0.97


class PdfText(NamedTuple):
    """The pages of a PDF, what a person should know about them, and measurements."""

    pages: tuple[ParsedPage, ...]
    notes: tuple[Note, ...]
    fidelity: Fidelity
    replaced: int


def to_pages(content: bytes, options: ParseOptions) -> PdfText:
    """All pages of a PDF.

    Raises:
        ParseError: ENCRYPTED, BROKEN, TOO_LARGE (unpacked), TOO_MANY_PAGES, or NO_TEXT for a form
            that only one program can show.
    """
    refuse_bombs(content)
    opened = open_pdf(content)
    with closing(opened.document) as document:
        _check_page_count(len(document), options.max_pages)
        return _Reading(opened, options).text()


def _check_page_count(count: int, most: int) -> None:
    if count == 0:
        raise ParseError(ParseCode.BROKEN, "The PDF is damaged: it has no pages.")
    if count > most:
        message = f"The PDF has {count:,} pages, more than the limit of {most:,}."
        raise ParseError(ParseCode.TOO_MANY_PAGES, message)


class _Reading:
    """One PDF while it is read."""

    def __init__(self, opened: OpenedPdf, options: ParseOptions) -> None:
        self._opened = opened
        self._options = options
        self._vocabulary: set[str] = set()
        self._drafts: dict[int, PageDraft] = {}
        self._plain: list[int] = []
        self._completed: list[int] = []
        self._by_ocr: list[int] = []
        self._missing_ocr = False
        self._rotations = rotations_of(opened.document)
        self._unrotated = without_rotation(opened.content, self._rotations, None)

    def text(self) -> PdfText:
        """Reads all pages."""
        document = self._opened.document
        if self._options.layout:
            self._draft_pages(document)
        for number in range(1, len(document) + 1):
            if number not in self._drafts:
                self._drafts[number] = self._plain_draft(document, number)
        drafts = [self._drafts[number] for number in sorted(self._drafts)]
        agreement = self._compared(document, drafts)
        repeated = take_out_furniture(drafts)
        continue_tables(drafts)
        pages = tuple(compose(draft, self._vocabulary) for draft in drafts)
        refuse_placeholder(document, pages)
        _refuse_incomplete(pages, self._opened.incomplete)
        notes = notes_of(
            drafts,
            repair=self._opened.repair,
            plain=self._plain,
            completed=self._completed,
            by_ocr=self._by_ocr,
            repeated=repeated,
            ocr=self._options.ocr,
            ocr_missing=self._missing_ocr,
        )
        return PdfText(pages, notes, _fidelity(pages, drafts, agreement), 0)

    def _draft_pages(self, document: PdfDocument) -> None:
        sideways: dict[int, int] = {}
        for ink in LayoutReader(self._unrotated.content, self._options, self._rotations).pages():
            if turn := main_turn(ink):
                sideways[ink.number] = turn
            else:
                self._keep(document, ink)
        if sideways:
            turned = LayoutReader(self._unrotated.content, self._options, self._rotations, sideways)
            for ink in turned.pages(sorted(sideways)):
                self._keep(document, ink)
        self._read_pictures(sideways)

    def _keep(self, document: PdfDocument, ink: PageInk) -> None:
        """Drafts a page, and looks at its pictures."""
        from pypdfium2 import PdfiumError

        scanned, unread = False, []
        try:
            with closing(document[ink.number - 1]) as page:
                if ink.number not in self._rotations:
                    split_marks(ink, page)
                    unread = unread_pictures(page, ink)
                scanned = is_scanned(page, ink)
        except PdfiumError:
            pass
        draft = draft_page(ink)
        draft.scanned, draft.unread = scanned, [] if scanned else unread
        # On a page that was made larger nothing stands where the page as it is shown has it.
        draft.placed = ink.number not in self._unrotated.widened
        self._drafts[ink.number] = draft
        self._vocabulary.update(draft.whole_words())

    def _read_pictures(self, corrections: dict[int, int]) -> None:
        """Reads scanned pages, and pages with scanned parts, by OCR where that is asked for."""
        numbers = [n for n, draft in self._drafts.items() if draft.scanned or draft.unread]
        if not numbers or not self._options.ocr:
            return
        tessdata = find_tessdata(self._options.tessdata_path)
        if tessdata is None:
            self._missing_ocr = True
            return
        reader = LayoutReader(
            self._unrotated.content, self._options, self._rotations, corrections, tessdata=tessdata
        )
        for ink in reader.pages(sorted(numbers)):
            before = self._drafts[ink.number]
            draft = draft_page(ink)
            if draft.characters > before.characters:
                self._drafts[ink.number] = draft
                self._vocabulary.update(draft.whole_words())
                self._by_ocr.append(ink.number)

    def _plain_draft(self, document: PdfDocument, number: int) -> PageDraft:
        """A page that the layout reader did not read, from the plain reading alone."""
        from pypdfium2 import PdfiumError

        draft = PageDraft(number, 0.0, 0.0, 0, (0.0, 0.0))
        try:
            with closing(document[number - 1]) as page:
                width, height = page.get_size()
                draft.width, draft.height, draft.size = width, height, (width, height)
                text = plain_text(page)
                if text:
                    where = Box(0.0, 0.0, round(width, 1), round(height, 1))
                    lines = [TextLine(line, where) for line in text.splitlines() if line.strip()]
                    draft.pieces = [Piece(RegionKind.PARAGRAPH, where, lines, keeps_lines=True)]
                    draft.characters = len(text)
                    self._plain.append(number)
        except PdfiumError:
            draft.error = UNREADABLE
        return draft

    def _compared(self, document: PdfDocument, drafts: Sequence[PageDraft]) -> Agreement:
        """Compares each page with the second reading, and adds the lines that only it has."""
        from pypdfium2 import PdfiumError

        total = Agreement()
        for draft in drafts:
            if draft.number in self._by_ocr or draft.number in self._plain:
                continue
            try:
                with closing(document[draft.number - 1]) as page:
                    plain = plain_text(page)
            except PdfiumError:
                continue
            ours = " ".join((*draft.said(), *draft.hidden))
            agreement = compare(ours, plain)
            if (agreement.words_found or 1.0) < _MIN_FOUND and (lines := lost_lines(ours, plain)):
                self._add(draft, lines)
                agreement = compare(" ".join((ours, *lines)), plain)
            total += agreement
        return total

    def _add(self, draft: PageDraft, lines: Iterable[str]) -> None:
        where = Box(0.0, 0.0, draft.width, draft.height)
        found = [TextLine(line, where) for line in lines]
        draft.pieces.append(Piece(RegionKind.PARAGRAPH, where, found, keeps_lines=True))
        self._completed.append(draft.number)


def _refuse_incomplete(pages: Sequence[ParsedPage], damaged: bool) -> None:
    """Half a policy must not pass for a whole one."""
    read = sum(page.error is None for page in pages)
    if read == 0:
        raise ParseError(ParseCode.BROKEN, "The PDF is damaged: none of its pages can be read.")
    if damaged and any(page.error or not (page.text or page.scanned) for page in pages):
        read = sum(bool(page.text or page.scanned) for page in pages)
        message = f"The PDF is cut off: of its {len(pages)} pages only {read} can be read."
        raise ParseError(ParseCode.BROKEN, message)


def _fidelity(
    pages: Sequence[ParsedPage], drafts: Sequence[PageDraft], agreement: Agreement
) -> Fidelity:
    ruled = sum(draft.ruled_rows for draft in drafts)
    shown = [page for page in pages if page.text or page.scanned or page.error]
    return Fidelity(
        words_found=agreement.words_found,
        order_agreement=agreement.order_agreement,
        ruled_rows=ruled or None,
        ruled_rows_whole=None,
        pages=len(shown),
        pages_with_text=sum(bool(page.text) and not page.scanned for page in pages),
        glyphs=sum(draft.characters for draft in drafts),
        glyphs_without_unicode=sum(draft.uncertain for draft in drafts),
    )
