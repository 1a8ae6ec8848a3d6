from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.parser_pool.sandbox import ParserPool
from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.ocr import find_tessdata
from pipeline.parsing.options import ParseOptions
from tests.growth import processor_seconds
from tests.pipeline.parsing.made_files import (
    SENTENCE,
    bomb_pdf,
    pdf,
    policy_pdf,
    raw_pdf,
    scanned_pdf,
)

OPTIONS = ParseOptions()


def parse(content: bytes, options: ParseOptions = OPTIONS) -> ParsedDocument:
    return parse_bytes(content, MediaType.PDF, options)


def refusal(content: bytes, options: ParseOptions = OPTIONS) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(content, options)
    assert caught.value.message.endswith(".") and "\n" not in caught.value.message
    return caught.value


def test_pages_headings_and_tables_survive() -> None:
    """A PDF becomes numbered pages of Markdown with headings and tables."""
    document = parse(policy_pdf(3))
    assert document.paged
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert "# Section 2: Coverage" in document.pages[1].text
    assert "| Visit | $2 |" in document.pages[1].text
    assert document.engine.startswith("liteparse ")


def test_same_bytes_same_text() -> None:
    """Parsing is deterministic."""
    content = policy_pdf(4)
    assert parse(content) == parse(content)


def test_many_pages_come_in_order() -> None:
    """Pages are numbered through, across the batches in which they are read."""
    document = parse(pdf(f"Clause {n}" for n in range(1, 121)))
    assert [page.text for page in document.pages] == [f"Clause {n}" for n in range(1, 121)]


def test_encrypted_pdf() -> None:
    """A password that is asked for is a reason; one that only restricts editing is none."""
    assert refusal(pdf(password="secret")).parse_code is ParseCode.ENCRYPTED
    assert SENTENCE in parse(pdf(password="")).text


@pytest.mark.parametrize("junk", [b"\n\n", b"HTTP/1.1 200 OK\r\n\r\n" * 200, b"\x00" * 5000])
def test_leading_junk_is_cut_off(junk: bytes) -> None:
    """Bytes before the PDF do not keep it from being read, and are told."""
    document = parse(junk + pdf())
    assert SENTENCE in document.text
    assert len(document.notes) == 1


def test_lost_tail_is_mended_when_all_pages_are_there() -> None:
    """A file that lost only its last bytes is read whole, and that is told."""
    content = pdf([SENTENCE, "Second page"])
    document = parse(content[: content.rindex(b"xref") - 30])
    assert [page.text for page in document.pages] == [SENTENCE, "Second page"]
    assert document.notes[0].message == (
        "The end of the file was missing; all of its pages could be read."
    )


def test_half_a_policy_is_broken() -> None:
    """A truncated file with pages missing is refused: half a policy must not pass for a whole."""
    content = pdf([SENTENCE, "Second page"])
    for cut in (content.rindex(b"endstream") - 20, content.rindex(b"9 0 obj")):
        assert refusal(content[:cut]).parse_code is ParseCode.BROKEN


def test_wrong_cross_reference_table_is_rebuilt() -> None:
    """A PDF whose cross-reference offset is wrong is still read."""
    assert SENTENCE in parse(pdf().replace(b"startxref\n", b"startxref\n9")).text


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + b"\x00garbage" * 1000,
        pdf()[:400],
        raw_pdf({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count 0/Kids[]>>"}),
        raw_pdf({1: b"<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]/Count 3>>"}),
    ],
)
def test_broken_pdfs(content: bytes) -> None:
    """What cannot be opened, or has no page, is broken."""
    assert refusal(content).parse_code is ParseCode.BROKEN


def test_too_many_pages_are_refused_before_parsing() -> None:
    """A huge page count costs a look at the file, not the parsing of its pages."""
    content, few = pdf("x" for _ in range(2000)), pdf("x" for _ in range(100))
    limits = ParseOptions(max_pages=1999)
    error = refusal(content, limits)
    refused = processor_seconds(lambda: refusal(content, limits), 3)
    assert refused < processor_seconds(lambda: parse(few), 3)
    assert error.parse_code is ParseCode.TOO_MANY_PAGES
    assert "2,000 pages" in error.message


def test_claimed_pages_are_refused_too() -> None:
    """A page tree that claims 100,000 pages is refused for what it claims."""
    kids = b"[" + b"3 0 R " * 100_000 + b"]"
    content = raw_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 100000/Kids%s>>" % kids,
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        }
    )
    assert refusal(content).parse_code is ParseCode.TOO_MANY_PAGES


def test_scanned_pages_are_flagged_and_empty() -> None:
    """A page that is a picture has no text of its own, and is named scanned."""
    scan, typed = parse(scanned_pdf(1, typed="A typed page")).pages
    assert (scan.text, scan.scanned) == ("", True)
    assert (typed.text, typed.scanned) == ("A typed page", False)


def test_a_stamp_is_no_text_layer() -> None:
    """A scanner's own line on a picture does not make the page a read one."""
    page = parse(scanned_pdf(1, stamp="Scan 000123")).pages[0]
    assert page.scanned
    assert page.text == "Scan 000123"


def test_a_cover_is_no_scan() -> None:
    """A title in the middle of a full-page picture is a page's text, however short."""
    page = parse(scanned_pdf(1, stamp="Your Policy", stamp_height=400)).pages[0]
    assert (page.text, page.scanned) == ("Your Policy", False)


def test_blank_page_is_not_scanned() -> None:
    """A page left blank on purpose is neither scanned nor failed."""
    blank = parse(pdf([SENTENCE, ""])).pages[1]
    assert (blank.text, blank.scanned, blank.error) == ("", False, None)


@pytest.mark.skipif(find_tessdata(None) is None, reason="tesseract's data is not installed")
def test_ocr_reads_scanned_pages() -> None:
    """With OCR on, scanned pages are read, typed ones stay as they were."""
    content = scanned_pdf(1, typed="A typed page", text="The deductible is 500 dollars")
    scan, typed = parse(content, ParseOptions(ocr=True)).pages
    assert "deductible is 500 dollars" in scan.text
    assert not scan.scanned
    assert typed.text == "A typed page"


def test_ocr_without_data_is_said(tmp_path: object) -> None:
    """OCR that is asked for and not installed leaves the page scanned, says so, loads nothing."""
    options = ParseOptions(ocr=True, tessdata_path=str(tmp_path))
    document = parse(scanned_pdf(1), options)
    assert document.pages[0].scanned
    assert "not installed" in document.notes[0].message


def test_a_page_that_cannot_be_read_is_flagged() -> None:
    """A page whose object is missing is flagged; the others are read."""
    first, second = parse(
        raw_pdf(
            {
                1: b"<</Type/Catalog/Pages 2 0 R>>",
                2: b"<</Type/Pages/Count 2/Kids[3 0 R 9 0 R]>>",
                3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
                b"/Resources<</Font<</F 5 0 R>>>>>>",
                4: b"<</Length 40>>stream\nBT /F 12 Tf 72 700 Td (Deductible) Tj ET    \nendstream",
                5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            }
        )
    ).pages
    assert (first.text, first.error) == ("Deductible", None)
    assert (second.text, second.error) == ("", "Nothing could be read on this page.")


def test_decompression_bomb_costs_little() -> None:
    """A small file that unpacks to 100 MB of drawing is refused before that is unpacked."""
    content = bomb_pdf(100 * 1024**2)
    packed = content.partition(b"FlateDecode>>stream\n")[2]
    assert refusal(content).parse_code is ParseCode.TOO_LARGE
    refused = processor_seconds(lambda: refusal(content), 3)
    assert refused < processor_seconds(lambda: zlib.decompressobj().decompress(packed), 3)


@pytest.fixture(scope="module")
def workers() -> Iterator[ParserPool]:
    pool = ParserPool(1)
    yield pool
    asyncio.run(pool.close())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_bytes_end_in_text_or_a_reason(workers: ParserPool, data: st.DataObject) -> None:
    """A PDF with bytes changed or cut gives pages or a `ParseError`, nothing else."""
    content = bytearray(_SAMPLE)
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(content)))
    try:
        assert asyncio.run(workers.parse(bytes(content[:cut]), MediaType.PDF)).paged
    except ParseError as error:
        assert error.remedy


_SAMPLE = policy_pdf(2)
