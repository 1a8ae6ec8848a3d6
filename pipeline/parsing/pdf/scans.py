"""Pages that are pictures: how they are recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

_MIN_PICTURE_SHARE = 0.3
# Text drawn as outlines: a page of it has hundreds of paths, a decorated blank page a few.
_MIN_OUTLINES = 200
_MAX_OBJECTS = 20_000
_MARGIN_SHARE = 0.1


def is_picture(page: PdfPage) -> bool:
    """Whether pictures or drawn outlines cover so much of a page that it is one."""
    from pypdfium2 import raw

    width, height = page.get_size()
    covered, outlines = 0.0, 0
    for count, item in enumerate(page.get_objects(max_depth=3)):
        if count > _MAX_OBJECTS:
            return True
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = item.get_bounds()
            covered += abs((right - left) * (top - bottom))
        elif item.type == raw.FPDF_PAGEOBJ_PATH:
            outlines += 1
    return covered >= _MIN_PICTURE_SHARE * width * height or outlines >= _MIN_OUTLINES


def only_in_margins(page: PdfPage, layer: PdfTextPage) -> bool:
    """Whether a page's text stands only at its upper and lower edge, as a scanner's stamp does."""
    height = page.get_height()
    margin = _MARGIN_SHARE * height
    boxes = (layer.get_rect(index) for index in range(layer.count_rects()))
    return all(bottom > height - margin or top < margin for _, bottom, _, top in boxes)
