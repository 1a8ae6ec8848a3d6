"""Paragraphs, items of lists and headings, told by marks, white space and the ends of lines."""

from __future__ import annotations

import pytest

from pipeline.layout import Box, RegionKind
from pipeline.parsing.pdf.headings import is_heading
from pipeline.parsing.pdf.paragraphs import into_paragraphs
from pipeline.parsing.pdf.pieces import Piece, TextLine
from tests.pipeline.parsing.pdf.made_pdfs import Sheets, only_page

TEXT = (
    "The insurer pays for direct loss to the property that is described in the",
    "schedule, unless the loss is excluded in another section of this policy. The",
    "insured keeps what is left of the property and takes care of it.",
)


def items(mark: str, *, indent: float = 18) -> Sheets:
    """A page with a sentence and three items, each of two lines."""
    sheets = Sheets()
    sheets.text(72, 100, "The insurer does not pay for loss by:")
    for number, name in enumerate(("flood", "war", "wear")):
        y = 116 + 28 * number
        sheets.text(72, y, mark.format(n=number + 1, a="abc"[number], i=("i", "ii", "iii")[number]))
        sheets.text(72 + indent, y, f"{name}, whatever its cause is and wherever it begins, if the")
        sheets.text(72 + indent, y + 12, f"insured knew of {name} when the policy was written;")
    return sheets


def test_white_space_parts_paragraphs() -> None:
    """A blank line ends a paragraph, the next line of one does not."""
    sheets = Sheets()
    y = sheets.lines(72, 100, TEXT)
    y = sheets.lines(72, y + 10, [f"Again: {TEXT[0]}", TEXT[1], TEXT[2]])
    sheets.lines(72, y + 10, ["Last: all of it is subject to the endorsements."])
    assert only_page(sheets.bytes()).text.split("\n\n") == [
        " ".join(TEXT),
        f"Again: {' '.join(TEXT)}",
        "Last: all of it is subject to the endorsements.",
    ]


@pytest.mark.parametrize("mark", ["{n}.", "({n})", "{a})", "({a})", "{i}.", "{n}.2"])
def test_numbered_items_stand_by_themselves(mark: str) -> None:
    """Items with numbers or letters are one each, with their marks as they are printed."""
    page = only_page(items(mark).bytes())
    lines = [line.strip() for line in page.text.split("\n") if line]
    assert lines[0] == "The insurer does not pay for loss by:"
    assert len(lines) == 4
    for number, (line, name) in enumerate(zip(lines[1:], ("flood", "war", "wear"), strict=True)):
        printed = mark.format(n=number + 1, a="abc"[number], i=("i", "ii", "iii")[number])
        assert line.startswith(f"{printed} {name}, whatever")
        assert line.endswith("when the policy was written;")
    assert [region.kind for region in page.regions][1:] == [RegionKind.LIST] * 3


@pytest.mark.parametrize("mark", ["•", "–", "-"])
def test_bulleted_items_stand_by_themselves(mark: str) -> None:
    """Bullets and dashes become the marks of a list."""
    lines = only_page(items(mark).bytes()).text.split("\n")
    assert [line.strip()[:8] for line in lines if line][1:] == ["- flood,", "- war, w", "- wear, "]


def test_a_number_at_the_beginning_of_a_line_is_no_item() -> None:
    """A sentence that is broken before a number goes on."""
    sheets = Sheets()
    lines = [
        *TEXT[:2],
        "insured has paid for the year, and the next one begins with its day number",
        "12. It ends",
    ]
    sheets.lines(72, 100, lines)
    assert only_page(sheets.bytes()).text == " ".join(lines)


def test_a_sentence_that_was_cut_apart_is_whole() -> None:
    """Lines that go on in the middle of a sentence are one paragraph, bold ones too."""
    sheets = Sheets()
    sheets.text(72, 100, "Before you go to a hospital that is not", font="Helvetica-Bold")
    sheets.text(72, 112, "in our network you ask us for approval.")
    assert only_page(sheets.bytes()).text == (
        "Before you go to a hospital that is not in our network you ask us for approval."
    )


def test_signs_of_a_legend_stay() -> None:
    """What a sign means is said with the sign."""
    sheets = Sheets()
    sheets.lines(72, 100, ["These services are covered as the signs tell:"])
    for row, (sign, meaning) in enumerate((("✔", "Included"), ("✘", "Not included"))):
        sheets.text(72, 200 + 12 * row, sign, font="ZapfDingbats")
        sheets.text(86, 200 + 12 * row, meaning)
    sheets.lines(72, 130, ["* Prior approval is needed before the service", "** Only once a year"])
    text = only_page(sheets.bytes()).text
    assert "* Prior approval" in text
    assert "** Only once a year" in text
    assert [line.split()[-2:] for line in text.split("\n") if "ncluded" in line] == [
        ["✔", "Included"],
        ["Not", "included"],
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Section 2: Coverage",
        "EXCLUSIONS",
        "1. What we pay",
        "Am I covered abroad?",
        "Part B. Claims",
    ],
)
def test_lines_that_can_be_headings(line: str) -> None:
    """Titles and numbered titles can head a text."""
    assert is_heading(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "$1,250.00",
        "12",
        "Page 3 of 8",
        "xiv",
        "and is not covered elsewhere",
        "© 2026 Northwind Mutual. All rights reserved.",
        "Section B - Premiums, Page 1",
        "Certificate number: Revision number:",
        "The insurer pays for direct loss to the property that is described here.",
        "word " * 30,
    ],
)
def test_lines_that_are_no_headings(line: str) -> None:
    """Sentences, amounts, page numbers and labels head nothing."""
    assert not is_heading(line)


def test_a_rupee_sign_of_an_old_font() -> None:
    """A backtick before an amount is a rupee, elsewhere it is what it is."""
    sheets = Sheets()
    sheets.lines(
        72, 100, ["The limit is ` 10,00,000 in all, or `500 a day.", "Type `help` for it."]
    )
    text = only_page(sheets.bytes()).text
    assert "₹ 10,00,000 in all, or ₹500 a day" in text
    assert "`help`" in text


def test_a_title_of_two_lines_is_one_heading() -> None:
    """A line in the letters of the heading above it belongs to that; a smaller one does not."""

    def line(text: str, top: float, height: float = 12.0) -> TextLine:
        return TextLine(text, Box(72, top, 400, top + height), bold=True)

    def pieces(second: TextLine) -> list[tuple[RegionKind, int]]:
        first = [line("Part C Uninsured and Underinsured", 100)]
        made = [
            Piece(RegionKind.HEADING, first[0].box, first, level=2),
            Piece(RegionKind.PARAGRAPH, second.box, [second]),
        ]
        return [(piece.kind, len(piece.lines)) for piece in into_paragraphs(made)]

    assert pieces(line("Motorists Coverage", 112)) == [(RegionKind.HEADING, 2)]
    assert pieces(line("Motorists Coverage", 112, height=9.0)) == [
        (RegionKind.HEADING, 1),
        (RegionKind.PARAGRAPH, 1),
    ]
