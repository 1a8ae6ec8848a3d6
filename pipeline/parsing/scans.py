"""Pages that are pictures: how they are recognised, and how tesseract's data reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

_MIN_PICTURE_SHARE = 0.3
# Text drawn as outlines: a page of it has hundreds of paths, a decorated blank page a few.
_MIN_OUTLINES = 200
_MAX_OBJECTS = 20_000
_MARGIN_SHARE = 0.1
_TESSDATA = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)


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


def find_tessdata(configured: str | None) -> str | None:
    """The folder of ``eng.traineddata``: the configured one, or where systems put it."""
    for folder in _candidates(configured):
        if (folder / "eng.traineddata").is_file():
            return str(folder)
    return None


def _candidates(configured: str | None) -> Iterator[Path]:
    if configured is not None:
        yield Path(configured)
        return
    if prefix := os.environ.get("TESSDATA_PREFIX"):
        yield from (Path(prefix), Path(prefix) / "tessdata")
    for pattern in _TESSDATA:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
