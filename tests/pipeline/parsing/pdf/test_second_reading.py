"""The second reading: it measures the first one, and gives what that lost."""

from __future__ import annotations

import pytest

from pipeline.notes import NoteKind
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.pdf.second_reading import compare, lost_lines
from tests.pipeline.parsing.made_files import raw_pdf
from tests.pipeline.parsing.pdf.made_pdfs import Sheets, parse, plain_grid

PAGE = (
    "Clause 1: the insurer pays for fire.",
    "Clause 2: the insurer pays for theft.",
    "Clause 3: the deductible is 500 dollars.",
)


def test_equal_readings_agree() -> None:
    """A page that was read whole and in order agrees with its second reading."""
    sheets = Sheets()
    sheets.lines(72, 100, PAGE)
    plain_grid([("Service", "Price"), ("Visit", "$25"), ("Scan", "$250")]).draw(sheets, top=200)
    document = parse(sheets.bytes())
    assert document.fidelity is not None
    assert document.fidelity.words_found == 1.0
    assert document.fidelity.order_agreement == 1.0
    assert document.notes == ()


def test_lost_words_are_counted_by_their_letters() -> None:
    """The share of words found is that of their letters."""
    agreement = compare("the insurer pays", "the insurer pays for nothing")
    assert agreement.words_found == pytest.approx(14 / 24)


def test_words_broken_or_glued_are_not_lost() -> None:
    """A word that is joined in one reading and broken in the other is found."""
    assert compare("reim burse ment", "reimbursement").words_found == 1.0
    assert compare("reimbursement", "reim burse ment").words_found == 1.0


def test_columns_torn_apart_are_seen_by_their_neighbors() -> None:
    """The same words in another order are found, and do not agree in order."""
    agreement = compare("Visit Scan $25 $250", "Visit $25 Scan $250")
    assert agreement.words_found == 1.0
    assert agreement.order_agreement == 0.0


def test_a_lost_line_is_found() -> None:
    """A line that only the second reading has is told, one that both have is not."""
    assert lost_lines(" ".join(PAGE[:2]), "\n".join(PAGE)) == [PAGE[2]]
    assert lost_lines(" ".join(reversed(PAGE)), "\n".join(PAGE)) == []


def test_without_layout_each_line_is_read() -> None:
    """With layout switched off the second reading gives the page, and that is told."""
    sheets = Sheets()
    sheets.lines(72, 100, PAGE)
    document = parse(sheets.bytes(), ParseOptions(layout=False))
    assert document.text == "\n".join(PAGE)
    assert [note.kind for note in document.notes] == [NoteKind.READING_REPLACED]


def test_lines_far_outside_the_page_are_not_added() -> None:
    """What lies off the page is seen by nobody, so no reading gives it."""
    sheets = Sheets()
    sheets.lines(72, 100, PAGE)
    sheets.text(900, 100, "Printer's mark far off the page")
    document = parse(sheets.bytes())
    assert "Printer" not in document.text
    assert document.notes == ()


@pytest.mark.parametrize("first", [1, 65], ids=["as control characters", "as letters"])
def test_a_font_that_does_not_say_its_characters_is_told(first: int) -> None:
    """A page whose glyphs have no characters is a gap, whatever their codes look like."""
    codes = bytes(range(first, first + 10))
    names = b"".join(b"/g%d" % code for code in codes)
    drawn = b"BT /F 12 Tf 72 700 Td <%s> Tj ET" % codes.hex().encode()
    content = raw_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
            b"/Resources<</Font<</F 5 0 R>>>>>>",
            4: b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
            5: b"<</Type/Font/Subtype/Type1/BaseFont/Own/FirstChar %d/LastChar %d/Widths[%s]"
            b"/Encoding<</Type/Encoding/Differences[%d%s]>>>>"
            % (first, first + 9, b"500 " * 10, first, names),
        }
    )
    document = parse(content)
    assert [gap.kind for gap in document.gaps] == [NoteKind.CHARACTERS_NOT_READ]
