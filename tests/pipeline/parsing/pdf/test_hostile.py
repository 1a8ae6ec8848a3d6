"""Pages that are made to cost time: each is read, or refused, in time that grows with its size."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator

import pytest

from pipeline.layout import Box, RegionKind
from pipeline.parsing.pdf.furniture import take_out_furniture
from pipeline.parsing.pdf.headings import is_heading
from pipeline.parsing.pdf.lines import running_text
from pipeline.parsing.pdf.pieces import PageDraft, Piece, TextLine
from pipeline.parsing.pdf.second_reading import compare, lost_lines
from pipeline.parsing.pdf.table_headers import looks_like_data
from tests.growth import MEASURABLE_SECONDS, assert_linear, processor_seconds
from tests.pipeline.parsing.made_files import raw_pdf
from tests.pipeline.parsing.pdf.made_forms import (
    annotation,
    check_box,
    form_pdf,
    rect,
    text_field,
)
from tests.pipeline.parsing.pdf.made_pdfs import parse


def page(drawn: bytes) -> bytes:
    """A PDF of one page with hand-written drawing."""
    return raw_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
            b"/Resources<</Font<</F 5 0 R>>>>>>",
            4: b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
            5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        }
    )


def words(count: int) -> Iterator[bytes]:
    """Words all over the page."""
    dice = random.Random(count)
    for number in range(count):
        place = dice.uniform(0, 600), dice.uniform(0, 780)
        yield b"BT /F 4 Tf %.2f %.2f Td (w%d) Tj ET" % (*place, number)


def lines(count: int) -> Iterator[bytes]:
    """Lines across and down, all over the page."""
    dice = random.Random(count)
    for number in range(count):
        x, y, length = dice.uniform(0, 600), dice.uniform(0, 780), dice.uniform(5, 300)
        end = (x + length, y) if number % 2 else (x, y + length)
        yield b"%.2f %.2f m %.2f %.2f l S" % (x, y, *end)


def areas(count: int) -> Iterator[bytes]:
    """Filled areas of all colors."""
    dice = random.Random(count)
    for _ in range(count):
        color = dice.random(), dice.random(), dice.random()
        place = dice.uniform(0, 600), dice.uniform(0, 780)
        size = dice.uniform(4, 100), dice.uniform(4, 100)
        yield b"%.2f %.2f %.2f rg %.2f %.2f %.2f %.2f re f" % (*color, *place, *size)


def grid(count: int) -> Iterator[bytes]:
    """A grid with so many rows and columns, and a letter in each cell."""
    step = 600 / count
    for number in range(count + 1):
        yield b"%.3f 10 m %.3f 610 l S" % (10 + step * number, 10 + step * number)
        yield b"10 %.3f m 610 %.3f l S" % (10 + step * number, 10 + step * number)
    for row in range(count):
        for column in range(count):
            place = 10.2 + step * column, 10.3 + step * row
            yield b"BT /F 1 Tf %.3f %.3f Td (a) Tj ET" % place


def marks(count: int) -> Iterator[bytes]:
    """Words that each have a superscript."""
    for number in range(count):
        place = 10 + 10 * (number % 59), 780 - 7 * (number // 59 % 110)
        yield b"BT /F 5 Tf %d %d Td (ab) Tj /F 3 Tf 2 Ts (1) Tj ET" % place


def broken_words(count: int) -> Iterator[bytes]:
    """One paragraph of lines that all end with a hyphen."""
    for number in range(count):
        yield b"BT /F 1 Tf 10 %.3f Td (some words and others-) Tj ET" % (790 - 0.4 * number)


def box(number: int) -> bytes:
    """A small place on the page."""
    left, top = 20 + number % 20 * 28, 20 + number // 20 % 250 * 3
    return rect(left, top, left + 26, top + 3)


def text_of(content: bytes) -> str:
    """The text of a document."""
    return parse(content).text


def affordable(made: Callable[[int], bytes], count: int) -> str:
    """The text of a document of so many pieces, which must cost what its size explains.

    A quarter of them costs about a quarter; if pieces were compared with each other, a sixteenth.
    """
    few, many, text = made(count // 4), made(count), []
    small = processor_seconds(lambda: text_of(few), 2)
    large = processor_seconds(lambda: text.append(text_of(many)))
    assert large < 11 * max(small, MEASURABLE_SECONDS), f"{small:.2f} s, then {large:.2f} s"
    return text[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("drawn", "count"),
    [
        pytest.param(lambda count: (*lines(count), *words(2_000)), 100_000, id="100,000 lines",
                     marks=pytest.mark.long),
        pytest.param(lambda count: (*lines(count), *words(2_000)), 30_000, id="30,000 lines"),
        pytest.param(lambda count: (*areas(count), *words(2_000)), 100_000, id="100,000 areas",
                     marks=pytest.mark.long),
        pytest.param(lambda count: (*areas(count), *words(2_000)), 9_000, id="9,000 areas"),
        pytest.param(lambda count: grid(math.isqrt(count)), 10_000, id="a grid of 100 by 100"),
        pytest.param(lambda count: grid(math.isqrt(count)), 90_000, id="a grid of 300 by 300",
                     marks=pytest.mark.long),
        pytest.param(words, 50_000, id="50,000 words", marks=pytest.mark.long),
        pytest.param(words, 12_000, id="12,000 words"),
        pytest.param(marks, 10_000, id="10,000 superscripts"),
        pytest.param(broken_words, 1_900, id="1,900 broken words"),
    ],
)  # fmt: skip
def test_a_crowded_page_is_read_in_time(
    drawn: Callable[[int], Iterable[bytes]], count: int
) -> None:
    """A page with very many lines, areas, cells or words costs what its size explains."""
    affordable(lambda some: page(b"\n".join(drawn(some))), count)


@pytest.mark.slow
def test_fields_by_the_thousand() -> None:
    """A form of thousands of fields is read, each value once."""

    def form(count: int) -> bytes:
        fields = [text_field(f"f{n}", f"value{n}", box(n)) for n in range(count)]
        fields += [check_box(f"c{n}", n % 2 == 0, box(n + count)) for n in range(count * 2 // 3)]
        return form_pdf(b"\n".join(words(500)), fields)

    text = affordable(form, 3_000)
    assert text.count("value2999") == 1
    assert text.count("[x]") == 1_000


def test_remarks_that_answer_each_other() -> None:
    """A thousand remarks of which each answers the one before are a thousand notes."""

    def notes(count: int) -> bytes:
        marks = [
            annotation("Text", box(n), f"remark {n}.", b"/IRT %d 0 R" % (9 + n))
            for n in range(count)
        ]
        return form_pdf(b"", annotations=marks)

    text = affordable(notes, 1_000)
    assert all(text.count(f"> Note: remark {n}.") == 1 for n in range(1_000))


def test_a_remark_that_answers_itself() -> None:
    """A circle of remarks ends."""
    notes = [annotation("Text", box(n), f"remark {n}.", b"/IRT 10 0 R") for n in range(3)]
    assert text_of(form_pdf(b"", annotations=notes)).count("> Note:") == 3


def test_a_table_within_tables_within_tables() -> None:
    """Grids within the cells of grids are read from the innermost one, each word once."""
    drawn = []
    for depth in range(40):
        left, bottom, right, top = 10 + 5 * depth, 10 + 5 * depth, 600 - 5 * depth, 780 - 5 * depth
        drawn.append(
            b"%d %d %d %d re S %d %d m %d %d l S"
            % (left, bottom, right - left, top - bottom, left, bottom + 2, right, bottom + 2)
        )
    drawn.append(b"BT /F 8 Tf 250 390 Td (innermost) Tj ET")
    assert text_of(page(b"\n".join(drawn))).count("innermost") == 1


def test_a_word_of_a_hundred_thousand_digits() -> None:
    """A very long word costs no more than its length, wherever it stands."""

    def read(digits: int) -> None:
        word = f"{'1' * digits}x"
        assert looks_like_data([word])
        assert running_text([f"{word}-", word], ()) == f"{word}-{word}"
        assert not is_heading(word)
        where = Box(0.0, 0.0, 600.0, 10.0)
        drafts = [PageDraft(number, 612, 792, 0, (612, 792)) for number in range(1, 5)]
        for draft in drafts:
            draft.pieces = [Piece(RegionKind.PARAGRAPH, where, [TextLine(word, where)])]
        take_out_furniture(drafts)
        assert compare(word, f"{word}y").letters == len(word) + 1

    assert_linear(read, 12_500)


def test_two_readings_that_have_nothing_in_common() -> None:
    """Comparing pages of which no word agrees costs no look through the page for each word."""

    def words_of(count: int) -> str:
        return " ".join(f"a{number}" for number in range(count))

    def lines_of(count: int) -> str:
        return "\n".join(f"b{number} c{number}" for number in range(count))

    def read(count: int) -> None:
        assert compare(words_of(2 * count), lines_of(count)).words_found == 0

    assert_linear(read, 5_000)
    # Of a page with more lines than any has, only the first are looked for.
    most, more = lines_of(20_000), lines_of(160_000)
    looked = processor_seconds(lambda: lost_lines(words_of(4_000), most), 2)
    assert processor_seconds(lambda: lost_lines(words_of(4_000), more), 2) < 4 * looked
