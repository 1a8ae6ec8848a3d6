"""Counts a file's pages as a parser that is paid by the page may: exactly, or too many.

A PDF's pages, a presentation's slides and a picture's frames are counted; what flows has as many
pages as it could fill when printed. Runs in the parser's own process, like everything that reads a
file.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from contextlib import closing

from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.parsing.kinds import PICTURES, TEXTS, MediaType
from pipeline.parsing.office.package import opened_package
from pipeline.parsing.office.unlocking import unlocked
from pipeline.parsing.options import ParseOptions

_BYTES_A_PAGE = 5_000
_TEXT_A_PAGE = 2_000
_LINES_A_PAGE = 50
_SHEET_BYTES_A_PAGE = 64 * 1024
_TAGS = re.compile(rb"<[^<>]*+>")
_SLIDE = re.compile(r"ppt/slides/slide\d{1,6}\.xml")
_SHEET = re.compile(r"xl/(?:work|chart|dialog)sheets/[^/]{1,200}\.xml")
# What begins a page, or fills one, in the XML of a text.
_BREAKS = (
    b'w:type="page"', b"<w:pageBreakBefore", b"<w:sectPr", b"<w:drawing", b"<w:pict", b"<w:object",
    b'fo:break-before="page"', b"<draw:frame",
)  # fmt: skip
_RENDERED_BREAK = b"<w:lastRenderedPageBreak"
_PARAGRAPHS = (b"</w:p>", b"</text:p>", b"</text:h>")
_NOT_TEXT = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".ttf", ".otf", ".woff", ".woff2", ".emf")


def count_bytes(content: bytes, media_type: MediaType, options: ParseOptions) -> bytes:
    """The number of pages in digits.

    Raises:
        ParseError: they cannot be counted: the file is encrypted, damaged or too large.
    """
    try:
        return str(pages_at_most(content, media_type, options)).encode()
    except NavigatorError:
        raise
    except Exception as error:
        message = f"Its pages cannot be counted ({type(error).__name__})."
        raise ParseError(ParseCode.BROKEN, message) from error


def pages_at_most(content: bytes, media_type: MediaType, options: ParseOptions) -> int:
    """As many pages as a file can have, at least one.

    Raises:
        ParseError: as `count_bytes`.
    """
    if media_type in TEXTS:
        return _of_text(content)
    plain = unlocked(content, media_type, options.passwords)
    if media_type is MediaType.PDF:
        return _of_pdf(content, options)
    if media_type in PICTURES:
        return _frames(content) if media_type is MediaType.TIFF else 1
    if media_type is MediaType.RTF:
        return _of_text(plain) + plain.count(rb"\page") + plain.count(rb"\sect")
    if (count := _IN_PACKAGES.get(media_type)) is not None:
        with opened_package(plain, "The file") as archive:
            return max(1, count(archive))
    return _of_bytes(plain)


def _of_pdf(content: bytes, options: ParseOptions) -> int:
    from pipeline.parsing.pdf.repair import open_pdf

    with closing(open_pdf(content, options.passwords).document) as document:
        return max(1, len(document))


def _frames(content: bytes) -> int:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        return max(1, int(getattr(picture, "n_frames", 1)))


def _of_text(content: bytes) -> int:
    filled = max(len(content) // _BYTES_A_PAGE, content.count(b"\n") // _LINES_A_PAGE)
    return 1 + filled + content.count(b"\f")


def _of_bytes(content: bytes) -> int:
    """Of a format that only its own program opens: by its size, unpacked where it is an archive."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return 1 + len(content) // _TEXT_A_PAGE
    with opened_package(content, "The file") as archive:
        entries = [e for e in archive.infolist() if not e.filename.lower().endswith(_NOT_TEXT)]
        return 1 + sum(each.file_size for each in entries) // _TEXT_A_PAGE + len(entries)


def _slides(archive: zipfile.ZipFile) -> int:
    return sum(_SLIDE.fullmatch(name) is not None for name in archive.namelist())


def _sheets(archive: zipfile.ZipFile) -> int:
    sheets = [each for each in archive.infolist() if _SHEET.fullmatch(each.filename)]
    return sum(1 + each.file_size // _SHEET_BYTES_A_PAGE for each in sheets)


def _word_pages(archive: zipfile.ZipFile) -> int:
    body = archive.read("word/document.xml")
    return max(_flowing(body), 1 + body.count(_RENDERED_BREAK))


def _text_pages(archive: zipfile.ZipFile) -> int:
    return _flowing(archive.read("content.xml"))


def _flowing(body: bytes) -> int:
    text = len(_TAGS.sub(b"", body)) // _TEXT_A_PAGE
    lines = sum(map(body.count, _PARAGRAPHS)) // _LINES_A_PAGE
    return 1 + max(text, lines) + sum(map(body.count, _BREAKS))


def _open_slides(archive: zipfile.ZipFile) -> int:
    return archive.read("content.xml").count(b"<draw:page ")


def _open_sheets(archive: zipfile.ZipFile) -> int:
    body = archive.read("content.xml")
    return body.count(b"<table:table ") + len(body) // _SHEET_BYTES_A_PAGE


_IN_PACKAGES: dict[MediaType, Callable[[zipfile.ZipFile], int]] = {
    MediaType.DOCX: _word_pages,
    MediaType.ODT: _text_pages,
    MediaType.PPTX: _slides,
    MediaType.ODP: _open_slides,
    MediaType.XLSX: _sheets,
    MediaType.ODS: _open_sheets,
}
