"""Extracts real text from an uploaded file, page by page, as simply as a mock may."""

from __future__ import annotations

import contextlib
import io
import re
import threading
import zipfile
from html import unescape

# What a browser does not show; an element that nobody closes hides the rest, as there.
_UNSEEN = re.compile(r"<(/?)(script|style)\b[^<>]*+>?", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]++>")
_WORD_PARAGRAPH_END = "</w:p>"
_WORD_TEXT = re.compile(r"<w:t(?: [^<>]*+)?>([^<]*+)</w:t>")
# What a text in an 8-bit encoding does not hold.
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# PDFium is not safe for threads.
_PDFIUM = threading.Lock()


class Unreadable(Exception):
    """The file cannot be parsed; the text begins with the service's code."""


def page_texts(content: bytes) -> list[str]:
    """The text of each page; formats without pages have one.

    Raises:
        Unreadable: with UNSUPPORTED_FILE_TYPE, PDF_IS_PROTECTED, PDF_IS_BROKEN or
            NO_DATA_FOUND_IN_FILE.
    """
    texts = _texts(content)
    if not any(text.strip() for text in texts):
        raise Unreadable("NO_DATA_FOUND_IN_FILE: there is no text in the file")
    return texts


def _texts(content: bytes) -> list[str]:
    if content.startswith(b"%PDF-"):
        with _PDFIUM:
            return _pdf(content)
    if content.startswith(b"PK\x03\x04"):
        return [_docx(content)]
    text = _decoded(content)
    if text.lstrip()[:200].lower().startswith(("<!doctype html", "<html")):
        text = unescape(_TAGS.sub(" ", _seen(text)))
    return [text]


def _seen(html: str) -> str:
    """A page without its scripts and style sheets."""
    parts: list[str] = []
    begun, opened = 0, ""
    for tag in _UNSEEN.finditer(html):
        closes, name = bool(tag[1]), tag[2].lower()
        if not opened and not closes:
            parts.append(html[begun : tag.start()])
            opened = name
        elif opened == name and closes:
            begun, opened = tag.end(), ""
    return " ".join(parts if opened else [*parts, html[begun:]])


def _decoded(content: bytes) -> str:
    encodings = ["utf-16"] if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig"]
    if not _CONTROLS.search(content):
        encodings.append("cp1252")
    for encoding in encodings:
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode(encoding)
    raise Unreadable("UNSUPPORTED_FILE_TYPE: neither a document nor text")


def _pdf(content: bytes) -> list[str]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        protected = "password" in str(error).lower()
        code = "PDF_IS_PROTECTED" if protected else "PDF_IS_BROKEN"
        raise Unreadable(f"{code}: the PDF cannot be opened") from None
    try:
        texts = []
        for page in document:
            text_page = page.get_textpage()
            texts.append(text_page.get_text_bounded().replace("\r\n", "\n"))
            text_page.close()
            page.close()
        return texts
    finally:
        document.close()


def _docx(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            xml = archive.read("word/document.xml").decode("utf-8")
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        raise Unreadable("UNSUPPORTED_FILE_TYPE: not a Word document") from None
    *within, _ = xml.split(_WORD_PARAGRAPH_END)
    paragraphs = ("".join(_WORD_TEXT.findall(part)) for part in within)
    return unescape("\n\n".join(paragraphs))
