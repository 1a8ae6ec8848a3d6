"""Pages and texts that are turned."""

from __future__ import annotations

import io

import pytest
from pypdfium2 import PdfDocument

from pipeline.layout import RegionKind
from tests.pipeline.parsing.pdf.made_pdfs import LETTER, Grid, Sheets, Span, only_page, plain_grid

LINES = tuple(
    f"Clause {number}: the insurer pays for loss number {number}." for number in range(1, 9)
)
HEADER = ("Location", "Building", "Contents", "Deductible")
ROWS = (
    ("Dock Street", "$410,000", "$55,000", "$1,000"),
    ("Mill Lane", "$275,000", "$30,000", "$2,500"),
    ("Quarry Road", "$380,000", "$41,000", "$1,000"),
)


def turned(content: bytes, degrees: int) -> bytes:
    """The same PDF with its pages shown rotated by clockwise degrees."""
    out = io.BytesIO()
    document = PdfDocument(content)
    for page in document:
        page.set_rotation(degrees)
        page.close()
    document.save(out)
    document.close()
    return out.getvalue()


def lines_pdf(size: tuple[float, float], turn: float = 0) -> bytes:
    """A PDF with eight lines; those that are turned read upwards or downwards."""
    sheets = Sheets(size)
    for row, line in enumerate(LINES):
        match turn:
            case 90:
                sheets.text(80 + 40 * row, size[1] - 60, line, turn=90)
            case 270:
                sheets.text(size[0] - 80 - 40 * row, 60, line, turn=270)
            case 180:
                sheets.text(size[0] - 60, size[1] - 80 - 40 * row, line, turn=180)
            case _:
                sheets.text(60, 80 + 40 * row, line)
    return sheets.bytes()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [LETTER, (792.0, 612.0)], ids=["portrait", "landscape"])
def test_text_drawn_for_a_rotated_page(degrees: int, size: tuple[float, float]) -> None:
    """A page whose text stands upright once it is shown keeps all its lines, in order."""
    page = only_page(turned(lines_pdf(size, degrees), degrees))
    assert page.text.split() == " ".join(LINES).split()
    shown = size if degrees % 180 == 0 else (size[1], size[0])
    assert page.size == shown


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("size", [LETTER, (792.0, 612.0)], ids=["portrait", "landscape"])
def test_text_that_stands_sideways_once_it_is_shown(
    degrees: int, size: tuple[float, float]
) -> None:
    """Upright drawn text on a rotated page is read, though a reader must turn the page."""
    page = only_page(turned(lines_pdf(size), degrees))
    assert page.text.split() == " ".join(LINES).split()


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_sideways_text_on_a_page_that_is_not_rotated(turn: float) -> None:
    """Lines that all read upwards, downwards or on their head come in their order."""
    page = only_page(lines_pdf(LETTER, turn))
    assert page.text.split() == " ".join(LINES).split()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_places_are_those_of_the_page_as_it_is_shown(degrees: int) -> None:
    """The first line of a page that is shown rotated stands at its top, on the left."""
    page = only_page(turned(lines_pdf(LETTER, degrees), degrees))
    assert page.size is not None
    first = page.regions[0].box
    assert first.left == pytest.approx(60, abs=4)
    assert first.top == pytest.approx(72, abs=6)
    for region in page.regions:
        assert 0 <= region.box.left < region.box.right <= page.size[0]
        assert 0 <= region.box.top < region.box.bottom <= page.size[1]


@pytest.mark.parametrize("degrees", [90, 270])
def test_a_box_that_was_not_swapped_with_the_rotation(degrees: int) -> None:
    """Text that lies outside the page's box, which a careless program did not turn, is read."""
    sheets = Sheets((792.0, 612.0))
    for row, line in enumerate(LINES):
        sheets.text(500, 80 + 40 * row, line)
    content = turned(sheets.bytes(), degrees).replace(b"0 0 792 612", b"0 0 612 792")
    assert only_page(content).text.split() == " ".join(LINES).split()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_ruled_table_on_a_rotated_page(degrees: int) -> None:
    """The rows of a table come back from a page whose content stands sideways in the file."""
    sheets = Sheets(LETTER if degrees % 180 == 0 else (792.0, 612.0))
    plain_grid([HEADER, *ROWS], widths=[110] * 4).draw(sheets)
    page = only_page(turned(sheets.bytes(), degrees))
    assert page.tables[0].header == HEADER
    assert page.tables[0].rows == ROWS


@pytest.mark.parametrize("turn", [90, 270])
def test_a_ruled_table_drawn_sideways(turn: int) -> None:
    """A table that stands on its side on an upright page comes back row by row."""
    sheets = Sheets()
    canvas = sheets.canvas
    canvas.saveState()
    canvas.translate(*((612, 0) if turn == 90 else (0, 792)))
    canvas.rotate(turn if turn == 90 else -90)
    sheets.height = 612
    plain_grid([HEADER, *ROWS], widths=[110] * 4).draw(sheets)
    canvas.restoreState()
    page = only_page(sheets.bytes())
    assert page.tables[0].header == HEADER
    assert page.tables[0].rows == ROWS
    assert page.size == LETTER


@pytest.mark.parametrize("turn", [90, 270])
def test_a_note_in_the_margin_that_stands_sideways(turn: float) -> None:
    """A sideways note beside upright text is read apart from it, each word once."""
    sheets = Sheets()
    sheets.lines(72, 100, LINES)
    sheets.text(30, 400 if turn == 90 else 150, "Form HO-3 edition 2026", size=8, turn=turn)
    text = only_page(sheets.bytes()).text
    assert "Form HO-3 edition 2026" in text.split("\n\n")
    assert text.replace("Form HO-3 edition 2026", "").split() == " ".join(LINES).split()


def test_a_cell_whose_text_stands_sideways() -> None:
    """A word that stands on its side in a merged cell belongs to each of the cell's rows."""
    cells = [
        *(Span(0, 0, ""), Span(0, 1, "Service"), Span(0, 2, "Price")),
        Span(1, 0, "", rows=3),
        *(Span(1, 1, "Visit"), Span(1, 2, "$10")),
        *(Span(2, 1, "Scan"), Span(2, 2, "$50")),
        *(Span(3, 1, "Lab"), Span(3, 2, "$15")),
    ]
    sheets = Sheets()
    Grid([30, 200, 200], [18, 24, 24, 24], cells, bold=(0,)).draw(sheets)
    sheets.text(90, 180, "Outpatient", turn=90)
    page = only_page(sheets.bytes())
    assert page.tables[0].rows == (
        ("Outpatient", "Visit", "$10"),
        ("Outpatient", "Scan", "$50"),
        ("Outpatient", "Lab", "$15"),
    )


@pytest.mark.parametrize("origin", [(100, 50), (-30, -40)])
def test_a_page_whose_box_does_not_begin_at_zero(origin: tuple[int, int]) -> None:
    """Places are told from the page's own corner, wherever that lies."""
    x, y = origin
    sheets = Sheets()
    sheets.canvas.translate(x, y)
    plain_grid([HEADER, *ROWS], widths=[110] * 4).draw(sheets)
    box = f"{x} {y} {x + 612} {y + 792}".encode()
    page = only_page(sheets.bytes().replace(b"0 0 612 792", box))
    assert page.size == LETTER
    assert page.tables[0].rows == ROWS
    assert page.tables[0].box is not None
    assert page.tables[0].box.left == pytest.approx(72, abs=1)
    assert page.tables[0].box.top == pytest.approx(100, abs=1)


def test_a_crop_box_within_the_page() -> None:
    """What a crop box cuts off is not on the page, and places are told from its corner."""
    sheets = Sheets()
    sheets.text(72, 20, "Printer's mark outside the page")
    sheets.text(72, 400, "The insurer pays what is left.")
    content = sheets.bytes().replace(
        b"/MediaBox [ 0 0 612 792 ]", b"/MediaBox [ 0 0 612 792 ] /CropBox [ 50 100 562 700 ]"
    )
    page = only_page(content)
    assert page.size == (512.0, 600.0)
    assert page.text == "The insurer pays what is left."
    (region,) = page.regions
    assert region.kind is RegionKind.PARAGRAPH
    assert region.box.left == pytest.approx(22, abs=1)
    assert region.box.top == pytest.approx(300, abs=4)
