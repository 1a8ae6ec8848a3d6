"""Where a passage stands: boxes, paragraphs and table rows."""

from __future__ import annotations

from uuid import UUID

import pytest

from pipeline.citations import PageBox, original_path, page_view_path, place_in
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.highlights import question_words
from pipeline.layout import Box, Region, RegionKind, Table

FLOWING = "# Form\n\nOne two.\n\n\n- three\n- four\n\nFive six\nseven.\n"
ROWS = "| Service | Price |\n| --- | --- |\n| Visit | $20 |\n| Scan | $250 |"


def document(*pages: ParsedPage, paged: bool = True) -> ParsedDocument:
    """A document of these pages."""
    return ParsedDocument(pages, paged, "test", "test")


def region(text: str, words: str, box: Box) -> Region:
    """Where some words of a page stand."""
    start = text.index(words)
    return Region(RegionKind.PARAGRAPH, start, start + len(words), box)


def test_a_passage_over_two_pages_has_boxes_on_both() -> None:
    """Each box names its page, in points as the page is shown."""
    first, second = "Before. The limit is", "five hundred. After."
    made = document(
        ParsedPage(1, first, regions=(region(first, "The limit is", Box(72, 700.04, 300, 712)),)),
        ParsedPage(2, second, regions=(region(second, "five hundred.", Box(72, 80, 200, 92)),
                                       region(second, "After.", Box(72, 100, 200, 112)))),
    )  # fmt: skip
    start = made.text.index("The limit")
    found = place_in(made, start, made.text.index(" After"))
    assert found.boxes == (PageBox(1, 72, 700.0, 300, 712), PageBox(2, 72, 80, 200, 92))
    assert (found.paragraph_first, found.paragraph_last, found.tables) == (None, None, ())


@pytest.mark.parametrize(
    ("words", "paragraphs"),
    [
        ("# Form", (1, 1)),
        ("One two.", (2, 2)),
        ("two.\n\n\n- three\n- four", (2, 3)),
        ("\n\nFive six", (4, 4)),
        ("seven.\n", (4, 4)),
        (FLOWING, (1, 4)),
    ],
)
def test_paragraphs_stand_for_pages(words: str, paragraphs: tuple[int, int]) -> None:
    """Where a format has no pages, paragraphs are counted; blank lines count for nothing."""
    made = document(ParsedPage(1, FLOWING), paged=False)
    start = FLOWING.index(words)
    found = place_in(made, start, start + len(words))
    assert (found.paragraph_first, found.paragraph_last) == paragraphs


def test_rows_come_with_their_header() -> None:
    """Of a table only the rows in the passage, and which of them holds most of the question."""
    text = f"Costs.\n\n{ROWS}"
    table = Table(
        text.index("|"),
        len(text),
        ("Service", "Price"),
        (("Visit", "$20"), ("Scan", "$250")),
        "Costs",
    )
    made = document(ParsedPage(3, text, tables=(table,)))
    [whole] = place_in(made, 0, len(text), question_words("what does a scan cost")).tables
    assert (whole.page, whole.caption, whole.header) == (3, "Costs", ("Service", "Price"))
    assert (whole.rows, whole.row) == (table.rows, 1)
    [part] = place_in(made, text.index("| Scan"), len(text)).tables
    assert (part.rows, part.row) == ((("Scan", "$250"),), None)
    assert place_in(made, 0, text.index("|")).tables == ()


def test_links_lead_to_the_version_and_the_passage() -> None:
    """The original of the version that was cited; the page view at the passage."""
    one, two = UUID(int=1), UUID(int=2)
    assert original_path(one, 3) == f"/api/v1/documents/{one}/original?version=3"
    assert page_view_path(one, 4, two) == f"/#page={one}/4&chunk={two}"
    assert page_view_path(one, None, two) == f"/#page={one}/1&chunk={two}"
