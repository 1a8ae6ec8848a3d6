from __future__ import annotations

import base64
import dataclasses
import math
import random

import pytest

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.fidelity import Fidelity
from pipeline.parsing.assessment.validation import assess, readable_share, require_text


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


@pytest.mark.parametrize(
    "text",
    [
        "Haft\u00adpflicht\u00adversicherung",
        "می\u200cخواهم",
        "\u202bפוליסה\u202c",
        "ไทย\u200bไทย",
        "\ufeffWords",
        "👩\u200d💻 covered",
        "_" * 90,
        "X" * 90,
        "Seguro de automóvel em São Paulo",
    ],
)
def test_what_shapes_writing_can_be_read(text: str) -> None:
    """Joiners, soft hyphens, direction marks and lines of filling are no garbage."""
    assert readable_share(text) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        base64.encodebytes(random.Random(3).randbytes(900)).decode(),
        "é è à ü".encode().decode("latin-1") * 20,
        "“quoted” – and ‘so’".encode().decode("cp1252", "replace") * 20,
        "\ue000\ue001 " * 20,
    ],
)
def test_encoded_and_misread_text_cannot_be_read(text: str) -> None:
    """Files written as letters, letters that were read as two, glyphs without a character."""
    assert readable_share(text) < 0.85


def test_measurements_of_the_parser_become_shares() -> None:
    """Where it measured nothing there is no number that could pass or fail."""
    parsed = dataclasses.replace(
        document(ParsedPage(1, "Words."), ParsedPage(2, "")),
        fidelity=Fidelity(
            words_found=0.9, ruled_rows=50, ruled_rows_whole=27, glyphs=200,
            glyphs_without_unicode=50, pages=4, pages_with_text=1,
        ),
    )  # fmt: skip
    found = assess(parsed)
    assert (found.words_found, found.ruled_rows_whole, found.glyphs_readable) == (0.9, 0.54, 0.75)
    assert math.isnan(found.order_agreement)
    assert (found.pages, found.pages_with_text, found.coverage) == (4, 1, 0.25)
    nothing = assess(document(ParsedPage(1, "Words.")))
    assert math.isnan(nothing.words_found)
    assert math.isnan(nothing.ruled_rows_whole)
    assert math.isnan(nothing.glyphs_readable)


def test_the_language_is_the_parsers_or_that_of_the_text() -> None:
    """A short text has none, which is not held against it."""
    english = "The insurer pays for the loss of the property that is named in the schedule. " * 4
    found = assess(document(ParsedPage(1, english)))
    assert (found.language, found.language_known) == ("en", 1.0)
    told = dataclasses.replace(document(ParsedPage(1, english)), language="de")
    assert assess(told).language == "de"
    short = assess(document(ParsedPage(1, "Paid.")))
    assert short.language == ""
    assert math.isnan(short.language_known)
