"""Files that cannot simply be read, made on purpose from readable ones."""

from __future__ import annotations

from io import BytesIO
from random import Random
from time import struct_time

import pypdfium2
from PIL import Image

SCAN_DPI = 200
SKEW_DEGREES = 0.6
SPECKS = 350
BLACK_BELOW = 150
TRUNCATED_TO = 0.6


def scan(pdf: bytes) -> bytes:
    """The same pages as black-and-white pictures, a little askew, with dust; no text layer."""
    document = pypdfium2.PdfDocument(pdf)
    dust = Random(20260101)
    first, *others = [_scan_page(page, dust) for page in document]
    document.close()
    out = BytesIO()
    fixed = struct_time((2026, 1, 1, 0, 0, 0, 3, 1, 0))
    first.save(
        out,
        "PDF",
        save_all=True,
        append_images=others,
        resolution=SCAN_DPI,
        creationDate=fixed,
        modDate=fixed,
    )
    return out.getvalue()


def _scan_page(page: pypdfium2.PdfPage, dust: Random) -> Image.Image:
    picture: Image.Image = page.render(scale=SCAN_DPI / 72, grayscale=True).to_pil().convert("L")
    picture = picture.rotate(SKEW_DEGREES, resample=Image.Resampling.BICUBIC, fillcolor=255)
    for _ in range(SPECKS):
        spot = (dust.randrange(picture.width), dust.randrange(picture.height))
        picture.putpixel(spot, 0)
    # One bit a pixel makes Pillow write CCITT G4, as office scanners do: small, and exact.
    return picture.point(lambda level: 0 if level < BLACK_BELOW else 255).convert(
        "1", dither=Image.Dither.NONE
    )


def truncate(pdf: bytes) -> bytes:
    """The first part of a file whose transfer broke off: no trailer, no cross-reference table."""
    return pdf[: int(len(pdf) * TRUNCATED_TO)]
