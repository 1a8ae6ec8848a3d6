"""What was put on a page after it was printed: notes, stamps, highlights, links; watermarks."""

from __future__ import annotations

import pytest
from reportlab.lib import colors

from pipeline.layout import RegionKind
from tests.pipeline.parsing.pdf.made_forms import annotation, form_pdf, rect, string, words
from tests.pipeline.parsing.pdf.made_pdfs import Sheets, only_page

BODY = words((72, 100, "The deductible is $500."), (72, 120, "It applies once a year."))
PRINTED = "The deductible is $500. It applies once a year."


def text_with(*annotations: bytes) -> str:
    """The text of a page with annotations."""
    return only_page(form_pdf(BODY, annotations=annotations)).text


@pytest.mark.parametrize("subtype", ["FreeText", "Text", "Stamp"])
def test_a_remark_is_read_and_marked_as_one(subtype: str) -> None:
    """Typed notes, sticky notes and stamps with words stand in the text as notes."""
    more = b"/DA(/F 10 Tf 0 g)" if subtype == "FreeText" else b""
    page = only_page(
        form_pdf(
            BODY,
            annotations=[
                annotation(
                    subtype, rect(300, 90, 420, 110), "Called on Monday, raised to $750", more
                )
            ],
        )
    )
    assert page.text == f"{PRINTED}\n\n> Note: Called on Monday, raised to $750"
    assert page.regions[-1].kind is RegionKind.ANNOTATION


def test_a_comment_on_a_highlight_is_read() -> None:
    """A remark that somebody typed into a highlight is a note; a mere highlight is none."""
    marked = rect(72, 90, 180, 104)
    points = b"/QuadPoints[72 702 180 702 72 688 180 688]"
    assert text_with(annotation("Highlight", marked, "Is this right?", points)) == (
        f"{PRINTED}\n\n> Note: Is this right?"
    )
    assert text_with(annotation("Highlight", marked, "", points)) == PRINTED


def test_links_and_pop_ups_say_nothing() -> None:
    """A link is part of its text, and a pop-up only shows another note."""
    link = annotation(
        "Link",
        rect(72, 90, 180, 104),
        "Go to the insurer",
        b"/A<</S/URI/URI(https://insurer.example)>>",
    )
    note = annotation("Text", rect(300, 90, 320, 110), "Call back", b"/Popup 12 0 R")
    popup = annotation("Popup", rect(330, 90, 460, 150), "Call back", b"/Parent 11 0 R")
    text = text_with(link, note, popup)
    assert "Go to the insurer" not in text
    assert text.count("Call back") == 1


def test_the_same_remark_twice_is_said_once() -> None:
    """A note that the page prints as well, or that stands there twice, is said once."""
    note = annotation("FreeText", rect(300, 90, 420, 110), "Raised to $750", b"/DA(/F 10 Tf 0 g)")
    assert text_with(note, note).count("Raised to $750") == 1
    printed = annotation("FreeText", rect(72, 90, 300, 110), "It applies once a year.")
    assert text_with(printed).count("applies once") == 1


def test_hidden_remarks_are_not_seen() -> None:
    """A note that is hidden from the reader is left out."""
    hidden = annotation("Text", rect(300, 90, 320, 110), "internal: do not pay").replace(
        b"/F 4", b"/F 2"
    )
    assert "do not pay" not in text_with(hidden)


def test_an_answer_to_a_remark_is_read() -> None:
    """A note and what somebody answered are two notes, in their order on the page."""
    one = annotation("Text", rect(300, 90, 320, 110), "Which year?", b"/T" + string("Ann"))
    other = annotation("Text", rect(300, 190, 320, 210), "2026", b"/IRT 10 0 R/T" + string("Bo"))
    assert text_with(one, other) == f"{PRINTED}\n\n> Note: Which year?\n\n> Note: 2026"


@pytest.mark.parametrize("gray", [0.85, 0.6])
def test_a_watermark_takes_nothing_away(gray: float) -> None:
    """Text across the page is told as a watermark, and all lines below it are there."""
    sheets = Sheets()
    for row in range(25):
        sheets.text(72, 72 + 26 * row, f"Clause {row}: the insurer pays for loss number {row}.")
    sheets.text(150, 600, "SPECIMEN COPY", size=60, turn=45, color=colors.Color(gray, gray, gray))
    text = only_page(sheets.bytes()).text
    for row in range(25):
        assert text.count(f"Clause {row}: the insurer pays for loss number {row}.") == 1
    assert text.count("SPECIMEN COPY") == 1
    assert "> Watermark: SPECIMEN COPY" in text


def test_a_watermark_over_a_table() -> None:
    """A watermark's words are in no cell."""
    from tests.pipeline.parsing.pdf.made_pdfs import plain_grid

    rows = [("Service", "Price"), ("Visit", "$25"), ("Scan", "$250"), ("Lab", "$15")]
    sheets = Sheets()
    sheets.text(100, 180, "DRAFT", size=60, turn=30, color=colors.lightgrey)
    plain_grid(rows).draw(sheets)
    page = only_page(sheets.bytes())
    assert page.tables[0].rows == tuple(rows[1:])
    assert "> Watermark: DRAFT" in page.text
