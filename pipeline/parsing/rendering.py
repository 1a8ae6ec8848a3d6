"""Renders one page of a file as a picture, in the parser's own process.

A new kind of file that can be shown is one more entry in `_DRAWING`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import closing
from functools import cache
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.kinds import PICTURES, MediaType
from pipeline.parsing.media import SNIFF_BYTES, sniff
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.pdf.bombs import refuse_bombs
from pipeline.parsing.pdf.repair import open_pdf

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument

LONGEST_SIDE = 1600
"""Pixels of a picture's longer side, at most, however large the page is or is asked for."""

NARROWEST = 16

# The fastest level that still halves a scan: level 6 takes three times as long for 2 % less.
_PNG_LEVEL = 3


def render_page(
    content: bytes,
    media_type: MediaType,
    options: ParseOptions,
    *,
    page: int,
    width: int,
    name: str | None = None,
) -> bytes:
    """Draw one page as a PNG: turned as it is shown, with its form fields and annotations.

    Args:
        page: counted from 1.
        width: of the picture in pixels; less where the longer side would pass `LONGEST_SIDE`.
        name: of a file whose kind is not known; `sniff` tells it then, not `media_type`.

    Raises:
        ParseError: NO_PAGE, UNSUPPORTED_TYPE, ENCRYPTED, BROKEN or TOO_LARGE (unpacked).
    """
    kind = media_type if name is None else sniff(content[:SNIFF_BYTES], name)
    draw = _DRAWING.get(kind)
    if draw is None:
        raise ParseError(ParseCode.UNSUPPORTED_TYPE, "This kind of file has no pages to draw.")
    out = io.BytesIO()
    draw(content, options, page, width).save(out, "PNG", compress_level=_PNG_LEVEL)
    return out.getvalue()


def can_be_drawn(media_type: str | None) -> bool:
    """Whether files of a media type have pages that `render_page` draws."""
    return media_type in _DRAWING


@cache
def renderer() -> str:
    """The library that draws, with its version: another one may draw differently."""
    return f"pypdfium2-{version('pypdfium2')}"


def pixels(width: float, height: float, wanted: int) -> float:
    """How many pixels a point has in a picture of a page that is to be so wide.

    Args:
        width, height: of the page in points.
    """
    return min(max(wanted, NARROWEST) / width, LONGEST_SIDE / max(width, height))


def _pdf(content: bytes, options: ParseOptions, number: int, width: int) -> Image:
    from pypdfium2 import PdfiumError

    refuse_bombs(content)
    with closing(open_pdf(content, options.passwords).document) as document:
        document.init_forms()
        refuse_missing(number, len(document))
        try:
            return _pdf_page(document, number, width)
        except PdfiumError as error:
            message = "The PDF is damaged: this page of it cannot be opened."
            raise ParseError(ParseCode.BROKEN, message) from error


def _pdf_page(document: PdfDocument, number: int, width: int) -> Image:
    with closing(document[number - 1]) as page:
        across, down = page.get_size()
        if min(across, down) <= 0:
            raise ParseError(ParseCode.BROKEN, "The PDF is damaged: this page has no size.")
        scale = pixels(across, down, width)
        with closing(page.render(scale=scale, rev_byteorder=True)) as bitmap:
            image: Image = bitmap.to_pil().copy()
    return image


def _picture(content: bytes, options: ParseOptions, number: int, width: int) -> Image:
    from pipeline.parsing.image import frames

    count = 0
    for count, frame in enumerate(frames(content, options), 1):
        if count == number:
            scale = pixels(frame.width, frame.height, width)
            frame.thumbnail((max(1, round(frame.width * scale)), LONGEST_SIDE))
            return frame
    refuse_missing(number, count)
    raise AssertionError("a page that is there was drawn")


def refuse_missing(number: int, count: int) -> None:
    """Refuse the number of a page that a file does not have.

    Raises:
        ParseError: NO_PAGE.
    """
    if not 1 <= number <= count:
        pages = f"{count:,} page" if count == 1 else f"{count:,} pages"
        raise ParseError(ParseCode.NO_PAGE, f"The file has {pages}, not a page {number:,}.")


_Draw = Callable[[bytes, ParseOptions, int, int], "Image"]
_DRAWING: MappingProxyType[str, _Draw] = MappingProxyType(
    {MediaType.PDF: _pdf, **dict.fromkeys(PICTURES, _picture)}
)
