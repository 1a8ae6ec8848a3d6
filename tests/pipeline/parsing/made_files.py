"""Files for the parsing tests, made in memory: sound ones, and every hostile kind."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping

from docx import Document
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib import colors
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

SENTENCE = "The annual deductible is 500 dollars for each covered person."


def pdf(texts: Iterable[str] = (SENTENCE,), *, password: str | None = None) -> bytes:
    """A PDF with one line of text on each page; an empty text leaves its page blank."""
    out = io.BytesIO()
    encryption = StandardEncryption(password, "owner") if password is not None else None
    canvas = Canvas(out, encrypt=encryption)
    for text in texts:
        canvas.drawString(72, 700, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def policy_pdf(pages: int) -> bytes:
    """A PDF with a heading, four paragraphs and a ruled table on each page."""
    out = io.BytesIO()
    styles = getSampleStyleSheet()
    story: list[object] = []
    for number in range(1, pages + 1):
        prose = f"Section {number} pays eighty percent of covered services after {number} days. "
        table = Table([["Service", "In network"], ["Visit", f"${number}"], ["Scan", "$250"]])
        table.setStyle([("GRID", (0, 0), (-1, -1), 1, colors.black)])
        story += [Paragraph(f"Section {number}: Coverage", styles["Heading1"])]
        story += [Paragraph(prose * 6, styles["BodyText"]) for _ in range(4)]
        story += [table, PageBreak()]
    SimpleDocTemplate(out).build(story)
    return out.getvalue()


def picture(text: str) -> Image.Image:
    """A picture of a page with ten lines of text."""
    image = Image.new("RGB", (1200, 1600), "white")
    font = ImageFont.load_default(size=44)
    for line in range(10):
        ImageDraw.Draw(image).text((60, 80 + line * 90), text, fill="black", font=font)
    return image


def bitmap() -> bytes:
    """A small white bitmap."""
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "white").save(out, "BMP")
    return out.getvalue()


def scanned_pdf(
    pages: int,
    *,
    stamp: str = "",
    stamp_height: int = 10,
    typed: str = "",
    text: str = "Deductible 500",
) -> bytes:
    """A PDF of pictures, each with a stamped line, then one page that is typed."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(600, 800))
    reader = ImageReader(picture(text))
    for _ in range(pages):
        canvas.drawImage(reader, 0, 0, 600, 800)
        canvas.drawString(20, stamp_height, stamp)
        canvas.showPage()
    if typed:
        canvas.drawString(72, 700, typed)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def raw_pdf(objects: Mapping[int, bytes]) -> bytes:
    """A PDF of hand-written objects; object 1 is the catalog."""
    out, offsets = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, offset in offsets.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, offset)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        max(objects) + 1,
        start,
    )
    return bytes(out)


def packed_pdf(pages: int) -> bytes:
    """A PDF whose pages stand in a packed object stream, so that no search finds `/Type /Page`."""
    kids = b" ".join(b"%d 0 R" % (5 + number) for number in range(pages))
    inside = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, kids),
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        **{
            5 + number: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
            b"/Resources<</Font<</F 3 0 R>>>>>>"
            for number in range(pages)
        },
    }
    head, body = b"", b""
    for number, each in inside.items():
        head += b"%d %d " % (number, len(body))
        body += each + b" "
    content = f"BT /F 12 Tf 72 700 Td ({SENTENCE}) Tj ET".encode()
    stream = zlib.compress(head + body)
    written = {
        4: b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        pages
        + 5: b"<</Type/ObjStm/N %d/First %d/Length %d/Filter/FlateDecode>>stream\n%s\nendstream"
        % (len(inside), len(head), len(stream), stream),
    }
    out, rows = bytearray(b"%PDF-1.7\n"), {0: (0, 0, 65535)}
    for number, each in written.items():
        rows[number] = (1, len(out), 0)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    rows |= {number: (2, pages + 5, place) for place, number in enumerate(inside)}
    last, start = pages + 6, len(out)
    rows[last] = (1, start, 0)
    table = zlib.compress(
        b"".join(b"%c%s%s" % (k, a.to_bytes(4, "big"), b.to_bytes(2, "big"))
                 for k, a, b in (rows[number] for number in range(last + 1)))
    )  # fmt: skip
    out += b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Root 1 0 R/Filter/FlateDecode/Length %d>>" % (
        last,
        last + 1,
        len(table),
    )
    out += b"stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, start)
    return bytes(out)


def bomb_pdf(unpacked: int) -> bytes:
    """A PDF whose only page's content unpacks to that many bytes of drawing commands."""
    packer = zlib.compressobj(9)
    block = b"0 0 m 1 1 l S " * 65536
    packed = b"".join(packer.compress(block) for _ in range(unpacked // len(block)))
    packed += packer.flush()
    return raw_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>",
            4: b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed),
        }
    )


def docx() -> bytes:
    """A Word document with a title, a header, headings, a list and a table."""
    document = Document()
    document.sections[0].header.paragraphs[0].text = "Effective March 1, 2026"
    document.add_heading("Life Policy", 0)
    document.add_heading("Benefits", 1)
    document.add_paragraph(SENTENCE)
    document.add_paragraph("Death benefit", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells),
        ("Rider", "Premium", "Waiver | disability", "$12"),
        strict=True,
    ):
        cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def picture_docx() -> bytes:
    """A Word document that holds a picture and no word."""
    document, png, out = Document(), io.BytesIO(), io.BytesIO()
    picture("Deductible").save(png, "PNG")
    png.seek(0)
    document.add_picture(png)
    document.save(out)
    return out.getvalue()


def docx_with(parts: Mapping[str, bytes]) -> bytes:
    """A Word document with some of its parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx())) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, content in parts.items():
            new.writestr(name, content)
    return out.getvalue()


def archive(*names: str) -> bytes:
    """A ZIP with empty members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name in names:
            new.writestr(name, b"")
    return out.getvalue()
