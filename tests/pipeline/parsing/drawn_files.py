"""PDFs whose pages have something to see in a known place, and those that are dear to draw."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

from PIL import Image
from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from tests.pipeline.parsing.made_files import raw_pdf

RED = (200, 0, 0)


def marked_pdf(rotations: Sequence[int] = (0,)) -> bytes:
    """A PDF of letter pages with a red square of 100 points, 50 points from the left and from the
    top of the page before that is turned."""
    draw = b"0.784 0 0 rg 50 642 100 100 re f"
    kids = b" ".join(b"%d 0 R" % (n + 4) for n in range(len(rotations)))
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count %d/Kids[%s]/MediaBox[0 0 612 792]>>" % (len(rotations), kids),
        3: b"<</Length %d>>stream\n%s\nendstream" % (len(draw), draw),
    }
    for n, rotation in enumerate(rotations):
        objects[n + 4] = b"<</Type/Page/Parent 2 0 R/Rotate %d/Contents 3 0 R>>" % rotation
    return raw_pdf(objects)


def form_pdf(value: str, *, ticked: bool) -> bytes:
    """A PDF with a text field at 100 to 300 points across and 100 down, and a box below it."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=letter)
    form = canvas.acroForm
    form.textfield(name="insured", value=value, x=100, y=652, width=200, height=40, fontSize=20,
                   borderWidth=0, fillColor=colors.white)  # fmt: skip
    form.checkbox(name="smoker", checked=ticked, x=100, y=580, size=30, buttonStyle="cross")
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def picture_bomb(side: int, times: int) -> bytes:
    """A PDF of a few kilobytes whose page draws pictures of so many pixels a side."""
    packer, row = zlib.compressobj(9), b"\x80" * (3 * side)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB" % (side, side)
    head += b"/BitsPerComponent 8/Filter/FlateDecode/Length %d>>" % len(data)
    names = b" ".join(b"/I%d %d 0 R" % (n, n + 5) for n in range(times))
    draw = b" ".join(b"q 600 0 0 600 0 0 cm /I%d Do Q" % n for n in range(times))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 600]/Contents 4 0 R"
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: page + b"/Resources<</XObject<<%s>>>>>>" % names,
        4: b"<</Length %d>>stream\n%s\nendstream" % (len(draw), draw),
    }
    for n in range(times):
        objects[n + 5] = head + b"stream\n" + data + b"\nendstream"
    return raw_pdf(objects)


def shown(png: bytes) -> Image.Image:
    """A PNG as its pixels."""
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return image.convert("RGB")


def colored(image: Image.Image, color: tuple[int, int, int] = RED) -> tuple[int, int, int, int]:
    """The box of all pixels of about a color: left, top, right, bottom."""
    close = [
        channel.point(lambda value, wanted=wanted: 255 if abs(value - wanted) < 40 else 0)
        for channel, wanted in zip(image.split(), color, strict=True)
    ]
    box = Image.merge("RGB", close).convert("L").point(lambda v: 255 if v == 255 else 0).getbbox()
    assert box is not None, "nothing of that color is shown"
    return box


def ink(image: Image.Image, box: tuple[float, float, float, float]) -> int:
    """How many pixels within a box are dark."""
    left, top, right, bottom = map(round, box)
    dark: list[int] = image.crop((left, top, right, bottom)).convert("L").histogram()[:128]
    return sum(dark)
