"""Pages as a parser bills them that is paid by the page."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from clients.parser_pool.sandbox import ParserPool
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.page_counts import pages_at_most
from tests.pipeline.parsing.made_files import bitmap, docx, docx_with, packed_pdf, pdf, policy_pdf
from tests.pipeline.parsing.office_files import open_document, presentation, rate_workbook

OPTIONS = ParseOptions()


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    """One worker."""
    async with ParserPool(1, OPTIONS) as pool:
        yield pool


async def test_a_worker_counts_the_pages_of_a_pdf(pool: ParserPool) -> None:
    """PDFium counts what no search finds: pages in packed object streams, or behind a password."""
    packed = packed_pdf(200)
    assert b"/Page" not in packed
    assert await pool.count_pages(packed, MediaType.PDF) == 200
    assert await pool.count_pages(policy_pdf(7), MediaType.PDF) == 7
    locked = pdf(["one", "two"], password="secret")
    assert await pool.count_pages(locked, MediaType.PDF, ("secret",)) == 2
    for content, code in (
        (locked, ParseCode.ENCRYPTED),
        (b"%PDF-1.7\nnothing more", ParseCode.BROKEN),
    ):
        with pytest.raises(ParseError) as failed:
            await pool.count_pages(content, MediaType.PDF)
        assert failed.value.parse_code is code
    frames = [Image.new("RGB", (9, 9)) for _ in range(4)]
    out = io.BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])
    assert await pool.count_pages(out.getvalue(), MediaType.TIFF) == 4
    assert await pool.count_pages(bitmap(), MediaType.BMP) == 1


def test_other_kinds_are_counted_by_what_their_pages_are() -> None:
    """Slides, sheets, page breaks and pictures of a text, and how much text there is."""
    assert pages_at_most(presentation(), MediaType.PPTX, OPTIONS) == 3
    deck = open_document("presentation", "<draw:page draw:name='a'/><draw:page draw:name='b'/>")
    assert pages_at_most(deck, MediaType.ODP, OPTIONS) == 2
    assert pages_at_most(rate_workbook(), MediaType.XLSX, OPTIONS) == 4, "hidden sheets too"
    assert pages_at_most(b"A sentence.\n" * 1000, MediaType.TEXT, OPTIONS) >= 20
    assert pages_at_most(b"One.\fTwo.\fThree.", MediaType.TEXT, OPTIONS) == 3
    assert pages_at_most(docx(), MediaType.DOCX, OPTIONS) <= 3
    broken = b'<w:p><w:r><w:br w:type="page"/></w:r></w:p>' * 30
    body = b'<w:document xmlns:w="w"><w:body>%s</w:body></w:document>' % broken
    many = docx_with({"word/document.xml": body})
    assert pages_at_most(many, MediaType.DOCX, OPTIONS) >= 31
    assert len(many) < 30 * 5_000
