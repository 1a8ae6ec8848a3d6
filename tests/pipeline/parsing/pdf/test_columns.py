"""Text in columns: down the left one, then down the right one."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.layout import Box
from pipeline.parsing.pdf.ink import Block, BlockKind, Word
from pipeline.parsing.pdf.text_blocks import cut_at_gutter
from tests.pipeline.parsing.pdf.made_pdfs import Sheets, only_page, plain_grid

LEFT = (
    "The insurer shall pay for loss of the",
    "insured property that is caused by fire,",
    "by lightning or by explosion. A claim is",
    "to be filed within thirty days after the",
    "loss, in writing, with all documents that",
    "the insurer asks for in its letter.",
)
RIGHT = (
    "A loss that is caused by flood, by war or",
    "by wear and tear is not covered. What is",
    "said here goes before what is said in the",
    "schedule. The insured keeps what is left",
    "of the property, and takes care of it as",
    "if there was no insurance at all.",
)


def columns(sheets: Sheets, left: Sequence[str], right: Sequence[str], top: float) -> float:
    """Write two columns beside each other; returns where they end."""
    return max(sheets.lines(60, top, left), sheets.lines(320, top, right))


def in_order(text: str, *parts: str) -> bool:
    """Whether parts follow each other in a text."""
    places = [text.find(part) for part in parts]
    return -1 not in places and places == sorted(places)


def test_two_columns_of_text() -> None:
    """The left column is read to its end before the right one begins."""
    sheets = Sheets()
    columns(sheets, LEFT, RIGHT, 100)
    text = " ".join(only_page(sheets.bytes()).text.split())
    assert text == " ".join((*LEFT, *RIGHT))


def test_a_heading_over_both_columns() -> None:
    """What stands over both columns comes before them, and what stands below comes after."""
    sheets = Sheets()
    sheets.text(60, 80, "Part One: General Conditions", size=18, font="Helvetica-Bold")
    y = columns(sheets, LEFT, RIGHT, 110)
    sheets.text(60, y + 20, "All of this is subject to the endorsements that are attached to it.")
    text = " ".join(only_page(sheets.bytes()).text.split())
    assert in_order(text, "# Part One", LEFT[0], LEFT[-1], RIGHT[0], RIGHT[-1], "All of this")


def test_headings_within_columns() -> None:
    """A heading in a column stays before its own text."""
    sheets = Sheets()
    sheets.text(60, 90, "1. What we pay", size=12, font="Helvetica-Bold")
    sheets.text(320, 90, "2. What we do not pay", size=12, font="Helvetica-Bold")
    columns(sheets, LEFT, RIGHT, 110)
    text = " ".join(only_page(sheets.bytes()).text.split())
    assert in_order(text, "1. What we pay", LEFT[0], LEFT[-1], "2. What we do not pay", RIGHT[0])


def test_a_table_beside_text() -> None:
    """A ruled table in one column keeps its rows, and the other column its sentences."""
    sheets = Sheets()
    sheets.lines(60, 100, LEFT)
    rows = [("Service", "Price"), ("Visit", "$25"), ("Scan", "$250"), ("Lab", "$15")]
    plain_grid(rows, widths=[110, 110]).draw(sheets, left=330, top=92)
    page = only_page(sheets.bytes())
    assert page.tables[0].rows == tuple(rows[1:])
    assert " ".join(LEFT) in page.text.replace("\n", " ")


def test_a_table_over_both_columns_parts_them() -> None:
    """Columns above a wide table are read before it, those below it after it."""
    sheets = Sheets()
    y = columns(sheets, LEFT, RIGHT, 100)
    rows = [("Service", "In network", "Price"), ("Visit", "Yes", "$25"), ("Scan", "No", "$250")]
    plain_grid(rows, widths=[160] * 3).draw(sheets, left=60, top=y + 10)
    below = [f"Below it: {line}" for line in LEFT], [f"And then: {line}" for line in RIGHT]
    columns(sheets, *below, y + 100)
    text = only_page(sheets.bytes()).text.replace("\n", " ")
    assert in_order(text, LEFT[0], RIGHT[0], "| Visit |", below[0][0], below[0][5], below[1][0])


def test_labels_and_values_are_read_across() -> None:
    """Short labels with their values beside them are no columns of text."""
    sheets = Sheets()
    pairs = (("Named insured", "Dana Whitfield"), ("Policy number", "HO-7781"), ("Term", "1 year"))
    for row, (label, value) in enumerate(pairs):
        sheets.text(60, 100 + 20 * row, label)
        sheets.text(320, 100 + 20 * row, value)
    text = " ".join(only_page(sheets.bytes()).text.replace("|", " ").replace("-", " ").split())
    for label, value in pairs:
        assert in_order(text, label, value.replace("-", " "))
    assert in_order(text, "Dana Whitfield", "Policy number")
    assert in_order(text, "HO 7781", "Term")


def test_three_columns() -> None:
    """Three columns are read one after the other."""
    sheets = Sheets()
    parts = [[f"{name} {n} of the text in its column" for n in range(12)] for name in "ABC"]
    for column, lines in enumerate(parts):
        sheets.lines(40 + 185 * column, 100, lines, size=9)
    text = " ".join(only_page(sheets.bytes()).text.split())
    assert text == " ".join(line for lines in parts for line in lines)


def words_of(x: float, lines: Sequence[str]) -> list[Word]:
    """Words of 30 points each, on lines 12 points apart."""
    return [
        Word(text, Box(x + 32 * n, 100 + 12 * row, x + 32 * n + 30, 110 + 12 * row), 10)
        for row, line in enumerate(lines)
        for n, text in enumerate(line.split())
    ]


def test_a_block_over_both_columns_is_cut_at_the_gutter() -> None:
    """What the layout reader takes for one text over two columns is two."""
    left, right = words_of(60, LEFT * 2), words_of(340, RIGHT * 2)
    whole = Block(BlockKind.PARAGRAPH, Box(60, 100, 612, 260))
    (parts,) = cut_at_gutter([whole], [[*left, *right]], lambda block, words: False)
    assert [sorted(w.text for w in words) for _, words in parts] == [
        sorted(w.text for w in left),
        sorted(w.text for w in right),
    ]
    (kept,) = cut_at_gutter([whole], [[*left, *right]], lambda block, words: True)
    assert len(kept) == 1


def test_marks_that_stand_in_another_block_come_to_their_items() -> None:
    """The letters of a column's items are read with them, though they make a block of their own."""
    left, right = words_of(60, LEFT * 2), words_of(360, RIGHT * 2)
    marks = words_of(330, ["a)", "b)", "c)", "d)"])
    blocks = [
        Block(BlockKind.PARAGRAPH, Box(60, 100, 280, 260)),
        Block(BlockKind.PARAGRAPH, Box(330, 100, 360, 160)),
        Block(BlockKind.PARAGRAPH, Box(360, 100, 650, 260)),
    ]
    parts = cut_at_gutter(blocks, [left, marks[:], right[:]], lambda block, words: False)
    assert parts[1][0][1] == []
    assert {word.text for word in marks} <= {word.text for word in parts[2][0][1]}
