"""Running headers, footers and page numbers: out of the text where they are repeated."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.documents import ParsedDocument
from pipeline.notes import NoteKind
from tests.pipeline.parsing.pdf.made_pdfs import Sheets, parse

HEADER, FOOTER = "Northwind Mutual Homeowners Policy", "Form HO-3 (01 26)"
BODY = (
    "The insurer pays for direct loss to the property that is described in schedule",
    "unless the loss is excluded in another section of this policy or its endorsements.",
)


def booklet(
    pages: int,
    *,
    header: Callable[[int], str] = lambda n: "",
    footer: Callable[[int], str] = lambda n: "",
    heading: Callable[[int], str] = lambda n: "",
) -> ParsedDocument:
    """A document whose pages have a running header and footer, and a paragraph of their own."""
    sheets = Sheets()
    for number in range(1, pages + 1):
        sheets.text(72, 40, header(number), size=9)
        y = 100.0
        if heading(number):
            sheets.text(72, 80, heading(number), size=18, font="Helvetica-Bold")
        for row in range(8):
            y = sheets.lines(72, y, [f"{BODY[0]} {number}{'abcdefgh'[row]},", BODY[1]]) + 10
        sheets.text(72, 760, footer(number), size=9)
        sheets.next()
    return parse(sheets.bytes())


def texts(document: ParsedDocument) -> list[str]:
    """The texts of a document's pages."""
    return [page.text for page in document.pages]


def test_a_running_header_stays_where_it_stands_first() -> None:
    """The same header on each page is text once, and furniture of the other pages."""
    document = booklet(5, header=lambda n: HEADER, footer=lambda n: FOOTER)
    first, *others = texts(document)
    assert HEADER in first and FOOTER in first
    assert not any(HEADER in text or FOOTER in text for text in others)
    assert all(set(page.furniture) == {HEADER, FOOTER} for page in document.pages[1:])
    assert [note.kind for note in document.notes] == [NoteKind.REPEATED_LEFT_OUT]


def test_headers_of_odd_and_of_even_pages() -> None:
    """Two headers in turn are both running ones."""
    document = booklet(8, header=lambda n: (HEADER, "Your guide to coverage")[n % 2])
    found = texts(document)
    assert sum(HEADER in text for text in found) == 1
    assert sum("Your guide to coverage" in text for text in found) == 1


@pytest.mark.parametrize(
    "written",
    [
        lambda n: f"Page {n} of 8",
        lambda n: f"- {n} -",
        lambda n: f"{n}",
        lambda n: f"{n + 14}",
        lambda n: f"Page {n}",
        lambda n: f"{n}/8",
        lambda n: ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii")[n - 1],
    ],
)
def test_page_numbers_are_no_text(written: Callable[[int], str]) -> None:
    """A number that grows with the page is left out, however it is written."""
    document = booklet(8, footer=written)
    for page in document.pages:
        assert page.furniture == (written(page.number),)
        assert page.text.endswith("this policy or its endorsements.")


def test_a_footer_with_the_page_number_in_it() -> None:
    """A footer that differs in its page number only is a running one."""
    document = booklet(6, footer=lambda n: f"{FOOTER} Page {n} of 6")
    assert sum(FOOTER in text for text in texts(document)) == 1


def test_headings_at_the_top_of_pages_are_kept() -> None:
    """Section 1, Section 2 ... at the top of each page head what follows, and are kept."""
    document = booklet(6, heading=lambda n: f"Section {n}")
    for page in document.pages:
        assert f"# Section {page.number}" in page.text


def test_headings_as_small_as_text_are_kept() -> None:
    """A line at the top that counts sections, in plain type, is text."""
    document = booklet(
        6, header=lambda n: f"Section {n} Coverage of your dwelling {'abcdef'[n - 1]}"
    )
    for page in document.pages:
        assert f"Section {page.number} Coverage" in page.text


def test_amounts_in_the_margin_are_kept() -> None:
    """A line at the edge that differs from page to page in an amount says something each time."""
    document = booklet(6, footer=lambda n: f"Premium of this part: ${n * n * 37 + 100}")
    for page in document.pages:
        assert f"${page.number**2 * 37 + 100}" in page.text


def test_two_pages_keep_everything() -> None:
    """What stands on two pages only is not running yet."""
    document = booklet(2, header=lambda n: HEADER, footer=lambda n: FOOTER)
    assert all(HEADER in text and FOOTER in text for text in texts(document))
    assert document.notes == ()


def test_the_same_sentence_in_the_body_is_kept() -> None:
    """A sentence that each page says in its body is no running header."""
    document = booklet(5)
    assert all(text.count(BODY[1]) == 8 for text in texts(document))


def test_a_header_that_begins_later() -> None:
    """A header that the cover does not have stays on the first page that has it."""
    document = booklet(6, header=lambda n: HEADER if n > 1 else "")
    assert [HEADER in text for text in texts(document)] == [False, True, False, False, False, False]
