"""Compares with PDFium's plain text: what the layout reader glued or overlooked."""

from __future__ import annotations

from array import array
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from pipeline.layout import Box
from pipeline.parsing.pdf.frame import Frame
from pipeline.parsing.pdf.glyphs import Run
from pipeline.parsing.pdf.hidden import leave_out_hidden
from pipeline.parsing.pdf.ink import PageInk
from pipeline.parsing.pdf.marks import possible_marks, split_marks, suspects
from pipeline.parsing.pdf.overflow import crossings, split_at_borders
from pipeline.parsing.pdf.pictures import MIN_LOOK, STAMP_CHARACTERS, is_scanned, unread_pictures
from pipeline.parsing.pdf.second_reading import plain_text, unmapped

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument


class Glance(NamedTuple):
    """What one look at a page gives, which is all that most pages need.

    Attributes:
        rotation: clockwise degrees by which it is shown rotated.
        size: width and height as it is shown.
        edges: left, bottom, right and top of the page in PDFium's coordinates.
        plain: its text in the order of the file.
        small_runs: the edges of pieces of text that are no longer than a superscript.
        unmapped: characters whose font does not say which they are.
    """

    rotation: int
    size: tuple[float, float]
    edges: Run
    plain: str
    small_runs: array[float]
    unmapped: int


def glance(document: PdfDocument, number: int) -> Glance | None:
    """Looks at a page; None when it cannot be opened."""
    from pypdfium2 import PdfiumError

    try:
        with closing(document[number - 1]) as page, closing(page.get_textpage()) as layer:
            return Glance(
                int(page.get_rotation()) % 360,
                page.get_size(),
                page.get_bbox(),
                plain_text(layer),
                possible_marks(layer),
                unmapped(layer),
            )
    except PdfiumError:
        return None


def look_again(
    document: PdfDocument, ink: PageInk, seen: Glance, turn: int, *, widened: bool
) -> tuple[bool, list[Box]]:
    """Mends a page's ink where something was glued or is hidden, and looks at its pictures.

    Args:
        document: the same PDF, its pages not rotated.
        turn: clockwise degrees by which the page's text, as it is drawn, stands rotated.
        widened: the page was made larger than it is in the file.

    Returns:
        Whether the page is a scan, and where pictures on it look like unread text.
    """
    ink.unmapped = seen.unmapped
    frame = Frame.of(seen.edges, turn)
    glued = suspects(ink.words, seen.small_runs, frame)
    if not (widened or glued or _is_worth_it(ink)):
        return False, []
    with closing(document[ink.number - 1]) as page:
        frame = Frame.of(page.get_bbox(), turn)
        with closing(page.get_textpage()) as layer:
            if split_at_borders(ink, layer, frame) or widened:
                glued = suspects(ink.words, seen.small_runs, frame)
            split_marks(glued, layer, frame)
        leave_out_hidden(ink, page, frame)
        scanned = is_scanned(page, ink, frame)
        return scanned, [] if scanned else unread_pictures(page, ink, frame)


def _is_worth_it(ink: PageInk) -> bool:
    return bool(
        ink.fields
        or ink.annotations
        or ink.picture_share >= MIN_LOOK
        or sum(len(word.text) for word in ink.words) < STAMP_CHARACTERS
        or crossings(ink)
    )
