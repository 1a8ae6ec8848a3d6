"""Pictures that look like text which nobody has read: whole pages, and parts of pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.layout import Box
from pipeline.parsing.pdf.ink import PageInk, holds
from pipeline.parsing.scans import is_picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pypdfium2 import PdfPage

# Smaller pictures are logos, icons and signatures.
_MIN_SHARE = 0.04
MIN_LOOK = 0.03
"""The share of a page that its pictures cover together above which they are looked at."""
_MOST_OBJECTS = 5_000
# Pixels for each point when a picture is looked at: a line of small print is still a line.
_SCALE = 1.5
_DARK, _LIGHT = 140, 190
# A page of print is mostly paper, with some ink on it, in lines with paper between them.
_PAPER, _INK = 0.55, (0.004, 0.35)
_MIN_LINES = 2
# So many words for each tenth of a page say that a picture has a text layer.
_WORDS_PER_SHARE = 30
STAMP_CHARACTERS = 80
"""A scanner's own line ("Page 1 of 3", a stamp number) has fewer, and is no text layer."""
_EDGE = 0.1


def is_scanned(page: PdfPage, ink: PageInk) -> bool:
    """Whether a page is a picture: no text but a scanner's stamp, and pictures or outlines."""
    characters = sum(len(word.text) for word in ink.words)
    if characters >= STAMP_CHARACTERS or not _only_in_margins(ink):
        return False
    return is_picture(page)


def _only_in_margins(ink: PageInk) -> bool:
    top, bottom = _EDGE * ink.height, (1 - _EDGE) * ink.height
    return all(word.box.top < top or word.box.bottom > bottom for word in ink.words)


def unread_pictures(page: PdfPage, ink: PageInk) -> list[Box]:
    """The pictures on a page that look like print and have no words over them.

    Args:
        page: the same page, unrotated.
    """
    if ink.picture_share < MIN_LOOK or ink.turn % 360:
        return []
    area = ink.width * ink.height
    large = [
        box for box in _picture_boxes(page) if _area(box) >= _MIN_SHARE * area and box.right > 0
    ]
    unread = [box for box in large if not _has_words(box, ink, area)]
    if not unread:
        return []
    pixels = _gray(page)
    return [box for box in unread if looks_like_print(_cut(pixels, box))]


def _picture_boxes(page: PdfPage) -> Iterator[Box]:
    from pypdfium2 import raw

    x, _, _, y = page.get_cropbox()
    for count, item in enumerate(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)):
        if count > _MOST_OBJECTS:
            return
        left, bottom, right, top = item.get_bounds()
        yield Box(left - x, y - top, right - x, y - bottom)


def _has_words(box: Box, ink: PageInk, area: float) -> bool:
    inside = sum(holds(box, *word.middle) for word in ink.words)
    return inside >= _WORDS_PER_SHARE * _area(box) / area


def _area(box: Box) -> float:
    return max(0.0, box.right - box.left) * max(0.0, box.bottom - box.top)


def _gray(page: PdfPage) -> NDArray[np.uint8]:
    bitmap = page.render(scale=_SCALE, grayscale=True, may_draw_forms=False)
    try:
        pixels: NDArray[np.uint8] = bitmap.to_numpy().copy()
        return pixels
    finally:
        bitmap.close()


def _cut(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    top, bottom, left, right = (
        max(0, round(edge * _SCALE)) for edge in (box.top, box.bottom, box.left, box.right)
    )
    part: NDArray[np.uint8] = pixels[top:bottom, left:right]
    return part.reshape(part.shape[0], part.shape[1]) if part.ndim == 3 else part


def looks_like_print(pixels: NDArray[np.uint8]) -> bool:
    """Whether a gray picture is mostly paper with lines of ink, as print is and photos are not."""
    import numpy as np

    if pixels.size == 0 or min(pixels.shape) < 8:
        return False
    dark = pixels < _DARK
    ink, paper = float(dark.mean()), float((pixels > _LIGHT).mean())
    if paper < _PAPER or not _INK[0] <= ink <= _INK[1]:
        return False
    return (
        _lines(np.any(dark, axis=1).tolist()) >= _MIN_LINES
        or _lines(np.any(dark, axis=0).tolist()) > 20
    )


def _lines(has_ink: Iterable[object]) -> int:
    """How many runs of rows hold ink."""
    count, before = 0, False
    for here in has_ink:
        count += bool(here) and not before
        before = bool(here)
    return count


def share_of(boxes: Sequence[Box], width: float, height: float) -> float:
    """The part of a page that boxes cover together, overlaps counted twice, at most 1."""
    return min(1.0, sum(map(_area, boxes)) / max(width * height, 1.0))
