"""Parses pictures of pages (PNG, JPEG, TIFF, BMP, GIF, WebP) by OCR, or refuses them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.ocr import why_not
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.pdf.document import to_pages
from pipeline.parsing.reading import Reading

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 200_000_000
"""Of one picture: a page of A3 at 600 dots an inch has 70 million."""
_MAX_SIDE = 10_000
_PAGE_INCHES = 8.27
_POINTS = 72


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads a picture; one with several pages (TIFF) page by page.

    Raises:
        ParseError: NO_TEXT without OCR or words, BROKEN, TOO_LARGE or TOO_MANY_PAGES.
    """
    if not options.ocr:
        message = "It is a picture, and pictures are read only with OCR, which is switched off."
        raise ParseError(ParseCode.NO_TEXT, message)
    if (reason := why_not(options)) is not None:
        raise ParseError(ParseCode.NO_TEXT, f"It is a picture and was not read: {reason}.")
    read = to_pages(_as_pdf(frames(content, options)), options)
    return Reading(read.pages, paged=True, notes=read.notes, fidelity=read.fidelity)


def _as_pdf(pages: Iterator[Image]) -> bytes:
    """The pages of a picture as a PDF, which is then read as any scanned one."""
    out = io.BytesIO()
    for page in pages:
        dots = max(_POINTS, round(min(page.size) / _PAGE_INCHES))
        page.save(out, "PDF", resolution=dots, quality=95, append=out.tell() > 0)
    return out.getvalue()


def frames(content: bytes, options: ParseOptions) -> Iterator[Image]:
    """The pages of a picture, upright, on white and not larger than need be.

    Raises:
        ParseError: BROKEN, TOO_LARGE or TOO_MANY_PAGES.
    """
    import warnings

    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content)) as picture:
            warnings.simplefilter("ignore")
            count = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
            if count > options.max_pages:
                message = f"The picture has {count:,} pages, more than the limit."
                raise ParseError(ParseCode.TOO_MANY_PAGES, message)
            for number in range(count):
                picture.seek(number)
                _refuse_bomb(picture)
                yield _prepared(picture)
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        message = "The picture is damaged: it cannot be unpacked."
        raise ParseError(ParseCode.BROKEN, message) from error


def _refuse_bomb(picture: Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise _too_large()


def _too_large() -> ParseError:
    message = f"The picture has more than {MAX_PIXELS // 10**6} million pixels."
    return ParseError(ParseCode.TOO_LARGE, message)


def _prepared(picture: Image) -> Image:
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        layered = upright.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        upright = Image.alpha_composite(white, layered)
    upright = upright.convert("L" if upright.mode in ("1", "L", "I;16", "I") else "RGB")
    if max(upright.size) > _MAX_SIDE:
        upright.thumbnail((_MAX_SIDE, _MAX_SIDE))
    return upright
