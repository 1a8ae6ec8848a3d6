"""A booklet of which some pages are pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests.pipeline.parsing.made_files import picture

TYPED = "The flood sublimit of this policy is 35000 dollars for each loss."


def booklet(path: Path, typed: Sequence[str]) -> Path:
    """A PDF with a typed page for each word, and a page that is a picture for each blank."""
    canvas = Canvas(str(path))
    scan = ImageReader(picture("The earthquake sublimit is 12000 dollars."))
    for word in typed:
        if word:
            canvas.drawString(72, 700, f"{TYPED} Here stands the {word} part.")
        else:
            canvas.drawImage(scan, 0, 0, 595, 842)
        canvas.showPage()
    canvas.save()
    return path
