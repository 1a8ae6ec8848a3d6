from __future__ import annotations

import dataclasses

import pytest

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.validation import assess, readable_share, require_text


def document(*pages: ParsedPage, paged: bool = True) -> ParsedDocument:
    return ParsedDocument(pages, paged, "local-1", "test", replaced=2)


def scan(number: int, text: str = "") -> ParsedPage:
    return ParsedPage(number, text, scanned=True)


def test_every_kind_of_page_is_counted() -> None:
    """Pages with text, blank, scanned and failed ones are told apart."""
    result = assess(
        document(
            ParsedPage(1, "# Policy\n\nPays 80% of costs."),
            scan(2),
            ParsedPage(3, "", error="Nothing could be read on this page."),
            ParsedPage(4, ""),
            scan(5, "Scan 0001"),
            ParsedPage(6, "# Policy\nPays  80% of costs."),
        )
    )
    assert (result.pages, result.pages_with_text, result.blank_pages) == (5, 2, 1)
    assert result.scanned_pages == (2, 5)
    assert result.failed_pages == (3,)
    assert result.words == 5 + 2 + 5
    assert result.coverage == pytest.approx(2 / 5), "a blank page lacks nothing"
    assert result.duplicate_page_share == pytest.approx(1 / 2)
    assert result.replaced == 2


def test_an_assessment_is_flat() -> None:
    """Every figure is a number, a code or a tuple of page numbers, fit for one row of a frame."""
    row = dataclasses.asdict(assess(document(ParsedPage(1, "x"))))
    assert all(isinstance(value, int | float | str | tuple) for value in row.values())


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 1.0),
        ("The Prämie für 保険 costs 5 € – “net”.\n| a |", 1.0),
        ("ab\ufffd\ufffd", 0.5),
        ("a\ue000\ue001\x07", 0.25),
        ("a\x1f\x85\u00a0\u2028", 1.0),
    ],
)
def test_readable_share(text: str, share: float) -> None:
    """Replacement characters, controls and private-use characters cannot be read."""
    assert readable_share(text) == share


def test_text_is_required() -> None:
    """A document with one page of words passes."""
    require_text(document(scan(1), ParsedPage(2, "Words.")))


@pytest.mark.parametrize(
    ("parsed", "code", "message"),
    [
        (
            document(scan(1), scan(2)),
            ParseCode.NO_TEXT,
            "The file has no text layer: pages 1, 2 hold only pictures.",
        ),
        (
            document(scan(1, "Scan 0001"), ParsedPage(2, "")),
            ParseCode.NO_TEXT,
            "The file has no text layer: page 1 holds only pictures.",
        ),
        (
            document(*map(scan, range(1, 31))),
            ParseCode.NO_TEXT,
            "The file has no text layer: pages 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 20 more hold"
            " only pictures.",
        ),
        (
            document(ParsedPage(1, " * _ ")),
            ParseCode.NO_TEXT,
            "The file has no text layer: no word on any of its 1 pages.",
        ),
        (document(ParsedPage(1, "\n"), paged=False), ParseCode.EMPTY, "The file holds no words."),
        (
            document(scan(1), paged=False),
            ParseCode.NO_TEXT,
            "The file has no text layer: it holds only pictures.",
        ),
    ],
)
def test_a_document_without_words_is_refused(
    parsed: ParsedDocument, code: ParseCode, message: str
) -> None:
    """No text is an error that names the pages, never an empty success."""
    with pytest.raises(ParseError) as caught:
        require_text(parsed)
    assert caught.value.parse_code is code
    assert caught.value.message == message
