"""Finds pictures that look like unread text (scans): whole pages, and parts of pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.layout import Box
from pipeline.parsing.pdf.frame import Frame
from pipeline.parsing.pdf.ink import PageInk, Word, holds
from pipeline.parsing.pdf.ink import area as box_area

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
# A page of print is mostly ground, of any gray, with ink that is much darker or lighter.
_LEVEL, _SAME, _INK, _GROUND = 16, 32, 64, 0.5
# In so many rows of its pixels ink begins so many times, as it does across the words of a line.
_MIN_RUNS, _MIN_ROWS, _DENSE = 6, 0.02, 0.4
# A picture of this share of a page is large. A smaller one has so many lines, or is a logo.
_LARGE, _FEW_LINES = 0.25, 3
# So many words for each tenth of a page say that a picture has a text layer.
_WORDS_PER_SHARE = 30
STAMP_CHARACTERS = 80
"""A scanner's own line ("Page 1 of 3", a stamp number) has fewer, and is no text layer."""
_EDGE = 0.1
_PICTURE_SHARE = 0.3
# Text drawn as outlines: a page of it has hundreds of paths, a decorated blank page a few.
_MIN_OUTLINES = 200
_MOST_DRAWN = 20_000


def is_scanned(page: PdfPage, ink: PageInk, frame: Frame) -> bool:
    """Whether a page is a picture of print, with no words but a scanner's stamp on it."""
    characters = sum(len(word.text) for word in ink.words)
    if characters >= STAMP_CHARACTERS or not _only_in_margins(ink) or not _is_picture(page):
        return False
    boxes = [place for _, place in _picture_boxes(page, frame)]
    # Words beside a picture were typed; a stamp stands on the picture that the scanner made.
    if boxes and not all(_is_on(boxes, word) for word in ink.words):
        return False
    return looks_like_print(_gray(page))


def _is_picture(page: PdfPage) -> bool:
    """Whether pictures or drawn outlines cover so much of a page that it is one."""
    from pypdfium2 import raw

    width, height = page.get_size()
    covered, outlines = 0.0, 0
    for count, item in enumerate(page.get_objects(max_depth=3)):
        if count > _MOST_DRAWN:
            return True
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = item.get_bounds()
            covered += abs((right - left) * (top - bottom))
        elif item.type == raw.FPDF_PAGEOBJ_PATH:
            outlines += 1
    return covered >= _PICTURE_SHARE * width * height or outlines >= _MIN_OUTLINES


def _only_in_margins(ink: PageInk) -> bool:
    top, bottom = _EDGE * ink.height, (1 - _EDGE) * ink.height
    return all(word.box.top < top or word.box.bottom > bottom for word in ink.words)


def _is_on(boxes: Sequence[Box], word: Word) -> bool:
    return any(holds(box, *word.middle) for box in boxes)


def unread_pictures(page: PdfPage, ink: PageInk, frame: Frame) -> list[Box]:
    """The pictures on a page that look like print and have no words over them.

    Args:
        page: the same page, unrotated.
    """
    if ink.picture_share < MIN_LOOK:
        return []
    area = ink.width * ink.height
    shown = Box(0.0, 0.0, ink.width, ink.height)
    unread = [
        (box, place)
        for box, place in _picture_boxes(page, frame)
        if box_area(_within(place, shown)) >= _MIN_SHARE * area and not _has_words(place, ink, area)
    ]
    if not unread:
        return []
    pixels = _gray(page)
    return [
        place
        for box, place in unread
        if looks_like_print(_cut(pixels, box), large=box_area(box) >= _LARGE * area)
    ]


def _picture_boxes(page: PdfPage, frame: Frame) -> Iterator[tuple[Box, Box]]:
    """Where pictures stand on the page as it is drawn, and as its ink was read."""
    from pypdfium2 import raw

    drawn = frame._replace(turn=0)
    for count, item in enumerate(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)):
        if count > _MOST_OBJECTS:
            return
        bounds = item.get_bounds()
        yield drawn.place(*bounds), frame.place(*bounds)


def _within(box: Box, other: Box) -> Box:
    return Box(
        max(box.left, other.left),
        max(box.top, other.top),
        min(box.right, other.right),
        min(box.bottom, other.bottom),
    )


def _has_words(box: Box, ink: PageInk, area: float) -> bool:
    inside = sum(holds(box, *word.middle) for word in ink.words)
    return inside >= _WORDS_PER_SHARE * box_area(box) / area


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


def looks_like_print(pixels: NDArray[np.uint8], *, large: bool = True) -> bool:
    """Whether a gray picture is mostly ground with lines of letters on it, as no photo is.

    Args:
        large: one line is enough; a small picture with one or two is a logo.
    """
    import numpy as np

    if pixels.size == 0 or min(pixels.shape) < 8:
        return False
    counts = np.bincount(pixels.reshape(-1) // _LEVEL, minlength=256 // _LEVEL)
    ground = (int(counts.argmax()) + 0.5) * _LEVEL
    difference = np.abs(pixels.astype(np.int16) - ground)
    if float((difference <= _SAME).mean()) < _GROUND:
        return False
    ink = difference >= _INK
    return any(_has_lines(turned, 1 if large else _FEW_LINES) for turned in (ink, ink.T))


def _has_lines(ink: NDArray[np.bool_], least: int) -> bool:
    """Whether ink and ground change as often as in lines of print, in so many lines or closely."""
    import numpy as np

    in_line = np.count_nonzero(ink[:, 1:] & ~ink[:, :-1], axis=1) >= _MIN_RUNS
    share = float(in_line.mean())
    lines = int(in_line[0]) + int(np.count_nonzero(in_line[1:] & ~in_line[:-1]))
    return share >= _DENSE or (share >= _MIN_ROWS and lines >= least)
