"""What a page shows and the text lacks is told: pictures of text, unread characters."""

from __future__ import annotations

import random

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib import colors
from reportlab.lib.utils import ImageReader

from pipeline.notes import NoteKind
from pipeline.parsing.ocr import find_tessdata
from pipeline.parsing.options import ParseOptions
from tests.pipeline.parsing.made_files import picture, scanned_pdf
from tests.pipeline.parsing.pdf.made_pdfs import Sheets, only_page, parse
from tests.pipeline.parsing.pdf.test_orientation import turned

SAID = "The flood sublimit is reduced to 35,000"
needs_ocr = pytest.mark.skipif(
    find_tessdata(None) is None, reason="tesseract's data is not installed"
)


def print_of(text: str, width: int = 1200, height: int = 900) -> Image.Image:
    """A picture of some lines of text."""
    image = Image.new("RGB", (width, height), "white")
    font = ImageFont.load_default(size=44)
    for line in range(4):
        ImageDraw.Draw(image).text((60, 80 + line * 180), text, fill="black", font=font)
    return image


def photo(width: int = 600, height: int = 450) -> Image.Image:
    """A picture that looks like a photo: colors that run into each other, and grain."""
    dice = random.Random(7)
    image = Image.new("RGB", (width, height))
    image.putdata(
        [
            (40 + 120 * x // width, 60 + 100 * y // height, 90 + dice.randrange(60))
            for y in range(height)
            for x in range(width)
        ]
    )
    return image


def letter(image: Image.Image) -> bytes:
    """A page with two typed lines and a picture below them."""
    sheets = Sheets()
    sheets.lines(72, 60, ["Northwind Mutual Insurance", "Endorsement 4 to policy HO-7781"])
    sheets.canvas.drawImage(ImageReader(image), 72, 120, 460, 560)
    return sheets.bytes()


def test_a_scanned_page_among_typed_ones_is_told() -> None:
    """Pages that are pictures are named in a gap."""
    document = parse(scanned_pdf(2, typed="A typed page"))
    (gap,) = document.gaps
    assert gap.kind is NoteKind.PAGE_NOT_READ
    assert gap.pages == (1, 2)
    assert "Pages 1 to 2 are only pictures" in gap.message
    assert [page.scanned for page in document.pages] == [True, True, False]


def test_a_picture_of_text_below_typed_lines_is_told() -> None:
    """A page whose larger part is a picture of text is named, and its typed lines are read."""
    document = parse(letter(print_of(SAID)))
    assert "Endorsement 4 to policy HO-7781" in document.text
    (gap,) = document.gaps
    assert gap.kind is NoteKind.PICTURE_NOT_READ
    assert gap.pages == (1,)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_picture_of_text_on_a_rotated_page_is_told(degrees: int) -> None:
    """Pictures are looked at on pages that are shown rotated, too."""
    document = parse(turned(letter(print_of(SAID)), degrees))
    assert [gap.kind for gap in document.gaps] == [NoteKind.PICTURE_NOT_READ]


def test_a_photo_is_no_gap() -> None:
    """A picture without print says nothing that could be read."""
    assert parse(letter(photo())).notes == ()


def test_a_picture_with_its_text_over_it_is_no_gap() -> None:
    """A scan with a text layer is read."""
    sheets = Sheets()
    sheets.canvas.drawImage(ImageReader(print_of(SAID)), 72, 120, 460, 560)
    text = sheets.canvas.beginText(90, 620)
    text.setTextRenderMode(3)
    text.setFont("Helvetica", 9)
    for row in range(24):
        text.textLine(f"{row}: {SAID}, as the insured has been told before")
    sheets.canvas.drawText(text)
    document = parse(sheets.bytes())
    assert document.gaps == ()
    assert document.text.count(SAID) == 24


def test_a_page_with_only_a_photo_is_no_gap() -> None:
    """A page that is a photo, without any word, shows nothing to read."""
    sheets = Sheets()
    sheets.text(72, 100, "The insurer pays what is left.")
    sheets.next()
    sheets.canvas.drawImage(ImageReader(photo()), 0, 0, 612, 792)
    document = parse(sheets.bytes())
    assert document.notes == ()
    assert not document.pages[1].scanned


@pytest.mark.parametrize(("lines", "gaps"), [(2, 0), (4, 1)])
def test_a_logo_is_no_gap(lines: int, gaps: int) -> None:
    """A smaller picture is a logo with a name or two in it, and a gap with several lines."""
    image = Image.new("RGB", (1200, 900), "white")
    font = ImageFont.load_default(size=70)
    for line in range(lines):
        ImageDraw.Draw(image).text((60, 80 + line * 200), "Northwind Mutual", "black", font)
    sheets = Sheets()
    sheets.lines(72, 360, ["The insurer pays what is left after the deductible."])
    sheets.canvas.drawImage(ImageReader(image), 72, 500, 300, 225)
    assert len(parse(sheets.bytes()).gaps) == gaps


def test_an_icon_is_no_gap() -> None:
    """A very small picture is not looked at."""
    sheets = Sheets()
    sheets.lines(72, 160, ["The insurer pays what is left after the deductible."])
    sheets.canvas.drawImage(ImageReader(print_of("Northwind")), 72, 700, 90, 50)
    assert parse(sheets.bytes()).notes == ()


def test_a_blank_page_is_no_gap() -> None:
    """A page that is left blank shows nothing that could be lost."""
    sheets = Sheets()
    sheets.text(72, 100, "The insurer pays what is left.")
    sheets.next()
    sheets.next()
    sheets.text(72, 100, "And nothing else.")
    document = parse(sheets.bytes())
    assert document.notes == ()
    assert document.fidelity is not None
    assert (document.fidelity.pages, document.fidelity.pages_with_text) == (2, 2)


def test_reading_that_is_off_is_said() -> None:
    """The gap says that reading of pictures is off."""
    assert "NAVIGATOR_OCR is off" in parse(scanned_pdf(1)).notes[0].message


@needs_ocr
def test_scanned_pages_and_parts_are_read() -> None:
    """With OCR, pictures of text are read and the pages named; nothing is a gap any more."""
    document = parse(letter(print_of(SAID)), ParseOptions(ocr=True))
    assert "sublimit is reduced to 35,000" in document.text
    assert "Endorsement 4 to policy HO-7781" in document.text
    assert [note.kind for note in document.notes] == [NoteKind.READ_BY_OCR]
    assert document.notes[0].pages == (1,)


@needs_ocr
def test_only_the_scanned_pages_are_named_as_read() -> None:
    """Typed pages are not read by OCR."""
    content = scanned_pdf(1, typed="A typed page", text=SAID)
    document = parse(content, ParseOptions(ocr=True))
    (note,) = document.notes
    assert (note.kind, note.pages) == (NoteKind.READ_BY_OCR, (1,))


def test_white_words_on_white_are_left_out_and_told() -> None:
    """What no reader sees is not text, and a note names its page."""
    sheets = Sheets()
    sheets.text(72, 100, "The insurer pays what is left.")
    sheets.text(72, 300, "internal reserve 99,000", color=colors.white)
    document = parse(sheets.bytes())
    assert document.text == "The insurer pays what is left."
    (note,) = document.notes
    assert (note.kind, note.pages, note.is_gap) == (NoteKind.HIDDEN_LEFT_OUT, (1,), False)
    assert "reserve" not in note.message


def test_white_words_on_a_colored_ground_are_text() -> None:
    """White on blue is seen, and no note is made of it."""
    sheets = Sheets()
    sheets.area(60, 80, 400, 120, colors.darkblue)
    sheets.text(72, 104, "Your benefits at a glance", color=colors.white)
    document = parse(sheets.bytes())
    assert document.notes == ()
    assert "Your benefits at a glance" in document.text


def test_white_words_on_a_picture_are_text() -> None:
    """White over a photo is seen."""
    sheets = Sheets()
    sheets.canvas.drawImage(ImageReader(photo()), 0, 392, 612, 400)
    sheets.text(72, 104, "Your benefits at a glance", size=20, color=colors.white)
    sheets.text(72, 500, "The insurer pays what is left.")
    document = parse(sheets.bytes())
    assert "Your benefits at a glance" in document.text


def test_an_outlined_page_is_a_picture() -> None:
    """A scan is told by its picture even when the page is not white."""
    sheets = Sheets()
    sheets.canvas.drawImage(ImageReader(picture("Deductible")), 0, 0, 612, 792)
    assert only_page(sheets.bytes()).scanned
