"""Every kind of file is read in the sandbox as it is outside of it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator

import pytest

from clients.parser_pool.sandbox import ParserPool
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.ocr import find_tessdata
from pipeline.parsing.options import ParseOptions
from tests.pipeline.parsing.drawn_files import form_pdf, marked_pdf
from tests.pipeline.parsing.locked_files import locked_workbook, locked_zip
from tests.pipeline.parsing.made_files import docx, picture_docx, policy_pdf, scanned_pdf
from tests.pipeline.parsing.office_files import (
    letter,
    open_document,
    presentation,
    rate_workbook,
    zipped,
)

OCR = ParseOptions(ocr=find_tessdata(None) is not None)
PASSWORD = "a password"
FILES = {
    "pdf": (policy_pdf(3), MediaType.PDF),
    "form": (form_pdf("Anna", ticked=True), MediaType.PDF),
    "rotated": (marked_pdf((90,)), MediaType.PDF),
    "scan": (scanned_pdf(1), MediaType.PDF),
    "docx": (docx(), MediaType.DOCX),
    "docx with a picture": (picture_docx(), MediaType.DOCX),
    "html": (b"<h1>Plan</h1><p>Covered.</p>", MediaType.HTML),
    "markdown": (b"# Plan\n\n" + b"Covered. " * 200_000, MediaType.MARKDOWN),
    "latin text": ("Selbstbehalt für Schäden ".encode("cp1252") * 50_000, MediaType.TEXT),
    "xlsx": (rate_workbook(), MediaType.XLSX),
    "locked xlsx": (locked_workbook(PASSWORD), MediaType.XLSX),
    "csv": (b"Plan;Copay\nGold;5\nSilver;10\n", MediaType.CSV),
    "pptx": (presentation(), MediaType.PPTX),
    "odt": (open_document("text", "<text:p>Covered.</text:p>"), MediaType.ODT),
    "rtf": (rb"{\rtf1\ansi\ansicpg1250 Spolu\'fa\'e8ast.\par}", MediaType.RTF),
    "eml": (letter().as_bytes(), MediaType.EML),
    "zip": (zipped({"a.txt": "Covered.", "b.txt": "Not covered."}), MediaType.ZIP),
    "locked zip": (locked_zip({"a.txt": b"Covered."}, PASSWORD), MediaType.ZIP),
}


@pytest.fixture(scope="module")
def pool() -> Iterator[ParserPool]:
    pool = ParserPool(1, OCR)
    yield pool
    asyncio.run(pool.close())


@pytest.mark.parametrize("name", FILES)
async def test_a_file_is_read_as_outside(pool: ParserPool, name: str) -> None:
    """Text, tables, notes and files inside come out the same."""
    content, media_type = FILES[name]
    outside = parse_bytes(content, media_type, dataclasses.replace(OCR, passwords=(PASSWORD,)))
    assert await pool.parse(content, media_type, [PASSWORD]) == outside
    assert outside.pages


async def test_a_page_is_drawn_as_outside(pool: ParserPool) -> None:
    """A page with letters of a font that the file lacks is drawn with the system's."""
    from pipeline.parsing.rendering import render_page

    content = policy_pdf(1)
    outside = render_page(content, MediaType.PDF, OCR, page=1, width=300)
    assert await pool.render(content, MediaType.PDF, 1, 300) == outside
