"""Drafts all pages: what the layout reader sees, checked by a second reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.layout import Box, RegionKind
from pipeline.parsing.ocr import find_tessdata, why_not
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.pdf.assembly import draft_page
from pipeline.parsing.pdf.orientation import without_rotation
from pipeline.parsing.pdf.pieces import PageDraft, Piece, TextLine
from pipeline.parsing.pdf.reader import LayoutReader, main_turn
from pipeline.parsing.pdf.repair import OpenedPdf
from pipeline.parsing.pdf.second_look import Glance, glance, look_again
from pipeline.parsing.pdf.second_reading import Agreement, compare, lost_lines, on_page

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

    from pipeline.parsing.pdf.ink import PageInk

UNREADABLE = "Nothing could be read on this page."
# Below this share of a page's letters, what the second reading has more is added.
_MIN_FOUND = 0.97


class Reading:
    """Reads a PDF's pages to drafts.

    Attributes:
        drafts: one a page, in order, once `read` has run.
        vocabulary: the words of the document in lower case.
        plain: pages that only the second reading gave.
        completed: pages of which it gave some lines.
        by_ocr: pages of which pictures were read.
        ocr_missing: why pictures were not read though they should have been.
        agreement: of the two readings, over all pages.
    """

    def __init__(self, opened: OpenedPdf, options: ParseOptions) -> None:
        self._opened = opened
        self._options = options
        self._drafts: dict[int, PageDraft] = {}
        self.vocabulary: set[str] = set()
        self.plain: list[int] = []
        self.completed: list[int] = []
        self.by_ocr: list[int] = []
        self.ocr_missing: str | None = None
        self.agreement = Agreement()

    @property
    def drafts(self) -> list[PageDraft]:
        """The pages in their order."""
        return [self._drafts[number] for number in sorted(self._drafts)]

    def read(self) -> None:
        """Drafts every page."""
        from pypdfium2 import PdfDocument

        document = self._opened.document
        glances = {n: glance(document, n) for n in range(1, len(document) + 1)}
        rotations = {n: seen.rotation for n, seen in glances.items() if seen and seen.rotation}
        self._unrotated = without_rotation(self._opened.content, rotations)
        upright = PdfDocument(self._unrotated.content) if rotations else document
        try:
            if self._options.layout:
                self._draft_pages(upright, glances, rotations)
            for number, seen in glances.items():
                if number not in self._drafts:
                    self._drafts[number] = self._plain_draft(number, seen)
                elif seen is not None:
                    self._check(upright, self._drafts[number], seen.plain)
        finally:
            if upright is not document:
                upright.close()

    def _draft_pages(
        self,
        document: PdfDocument,
        glances: Mapping[int, Glance | None],
        rotations: Mapping[int, int],
    ) -> None:
        sideways: dict[int, int] = {}
        for ink in LayoutReader(self._unrotated.content, self._options, rotations).pages():
            if turn := main_turn(ink):
                sideways[ink.number] = turn
            else:
                self._keep(document, ink, glances[ink.number], 0)
        if sideways:
            turned = LayoutReader(self._unrotated.content, self._options, rotations, sideways)
            for ink in turned.pages(sorted(sideways)):
                self._keep(document, ink, glances[ink.number], sideways[ink.number])
        self._read_pictures(rotations, sideways)

    def _keep(self, document: PdfDocument, ink: PageInk, seen: Glance | None, turn: int) -> None:
        """Drafts a page, after a second look where something may have been missed."""
        from pypdfium2 import PdfiumError

        widened = ink.number in self._unrotated.widened
        scanned, unread = False, list[Box]()
        if seen is not None:
            with suppress(PdfiumError):
                scanned, unread = look_again(document, ink, seen, turn, widened=widened)
        draft = draft_page(ink)
        draft.scanned, draft.unread = scanned, unread
        # On a page that was made larger nothing stands where the page as it is shown has it.
        draft.placed = not widened
        self._drafts[ink.number] = draft
        self.vocabulary.update(draft.whole_words())

    def _read_pictures(self, rotations: Mapping[int, int], corrections: Mapping[int, int]) -> None:
        """Reads scanned pages, and pages with scanned parts, by OCR where that is asked for."""
        numbers = [n for n, draft in self._drafts.items() if draft.scanned or draft.unread]
        if not numbers or not self._options.ocr:
            return
        tessdata = find_tessdata(self._options.tessdata_path, self._options.ocr_languages)
        if tessdata is None:
            self.ocr_missing = why_not(self._options)
            return
        reader = LayoutReader(
            self._unrotated.content, self._options, rotations, corrections, tessdata=tessdata
        )
        for ink in reader.pages(sorted(numbers)):
            draft = draft_page(ink)
            if draft.characters > self._drafts[ink.number].characters:
                self._drafts[ink.number] = draft
                self.vocabulary.update(draft.whole_words())
                self.by_ocr.append(ink.number)

    def _plain_draft(self, number: int, seen: Glance | None) -> PageDraft:
        """A page that the layout reader did not read, from the second reading alone."""
        if seen is None:
            return PageDraft(number, 0.0, 0.0, 0, (0.0, 0.0), error=UNREADABLE)
        draft = PageDraft(number, *seen.size, 0, seen.size)
        if seen.plain:
            draft.characters = len(seen.plain)
            draft.pieces = [_lines_anywhere(draft, seen.plain.splitlines())]
            self.plain.append(number)
        return draft

    def _check(self, document: PdfDocument, draft: PageDraft, plain: str) -> None:
        """Compares a page with the second reading, and adds the lines that only that one has."""
        if draft.number in self.by_ocr:
            return
        ours = " ".join((*draft.said(), *draft.hidden))
        agreement = compare(ours, plain)
        if (agreement.words_found or 1.0) < _MIN_FOUND:
            lines = on_page(document, draft.number, lost_lines(ours, plain))
            if lines:
                draft.pieces.append(_lines_anywhere(draft, lines))
                self.completed.append(draft.number)
                agreement = compare(" ".join((ours, *lines)), plain)
        self.agreement += agreement


def _lines_anywhere(draft: PageDraft, lines: Iterable[str]) -> Piece:
    """Lines of which only their page is known."""
    where = Box(0.0, 0.0, round(draft.width, 1), round(draft.height, 1))
    found = [TextLine(line, where) for line in lines if line.strip()]
    return Piece(RegionKind.PARAGRAPH, where, found, keeps_lines=True)
