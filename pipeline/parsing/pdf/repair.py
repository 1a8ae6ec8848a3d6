"""Opens a PDF, with the two repairs that are worth trying in memory."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import ParseCode, ParseError

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_FPDF_ERR_PASSWORD = 4
_FPDF_ERR_SECURITY = 5
_OBJECT = re.compile(rb"(\d{1,10})\s+(\d{1,5})\s+obj\b")
_CATALOG = re.compile(rb"/Type\s*/Catalog\b")
_LOOK_BACK = 4096
_STREAM_MARK = re.compile(rb"(end)?stream\b")


class OpenedPdf(NamedTuple):
    """An open PDF.

    Attributes:
        content: the bytes that opened.
        repair: what had to be mended, one sentence, or None.
        incomplete: the end of the file was missing, so pages may be too.
    """

    document: PdfDocument
    content: bytes
    repair: str | None
    incomplete: bool = False


def open_pdf(content: bytes, passwords: Sequence[str] = ()) -> OpenedPdf:
    """Open a PDF, cutting leading junk and adding a lost trailer when that helps.

    Args:
        passwords: tried one after the other when it is encrypted; the bytes that come back are
            not encrypted any more.

    Raises:
        ParseError: ENCRYPTED or BROKEN.
    """
    start = content.find(b"%PDF-")
    if start > 0:
        note = "Bytes that stood before the PDF were cut off."
        return _opened(content[start:], note, passwords)
    return _opened(content, None, passwords)


def _opened(content: bytes, note: str | None, passwords: Sequence[str]) -> OpenedPdf:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        return OpenedPdf(PdfDocument(content), content, note)
    except PdfiumError as error:
        if (plain := _decrypted(content, error, passwords)) is not None:
            return OpenedPdf(PdfDocument(plain), plain, note)
        _raise_if_encrypted(error)
    if _ends_inside_stream(content):
        raise ParseError(ParseCode.BROKEN, "The PDF is cut off: its end, with pages, is missing.")
    mended = _with_trailer(content)
    try:
        if mended is not None:
            note = "The end of the file was missing; all of its pages could be read."
            return OpenedPdf(PdfDocument(mended), mended, note, incomplete=True)
    except PdfiumError as error:
        _raise_if_encrypted(error)
    raise ParseError(ParseCode.BROKEN, "The PDF is damaged: no page of it can be opened.")


def _decrypted(content: bytes, error: Exception, passwords: Sequence[str]) -> bytes | None:
    """The PDF without its encryption, or None: it has another fault, or no password opens it."""
    from pypdfium2 import PdfDocument, PdfiumError, raw

    if getattr(error, "err_code", None) != _FPDF_ERR_PASSWORD:
        return None
    for password in passwords:
        try:
            with closing(PdfDocument(content, password=password)) as document:
                out = io.BytesIO()
                document.save(out, flags=raw.FPDF_REMOVE_SECURITY)
                return out.getvalue()
        except (PdfiumError, ValueError):  # ValueError: a NUL in the password
            continue
    return None


def _raise_if_encrypted(error: Exception) -> None:
    code = getattr(error, "err_code", None)
    if code == _FPDF_ERR_PASSWORD:
        raise ParseError(ParseCode.ENCRYPTED, "The PDF is protected with a password.") from error
    if code == _FPDF_ERR_SECURITY:
        message = "The PDF is encrypted in a way that cannot be opened."
        raise ParseError(ParseCode.ENCRYPTED, message) from error


def _with_trailer(content: bytes) -> bytes | None:
    """The bytes with a new trailer naming the catalog; PDFium then finds the objects itself."""
    root = None
    for catalog in _CATALOG.finditer(content):
        before = content[max(0, catalog.start() - _LOOK_BACK) : catalog.start()]
        if owners := _OBJECT.findall(before):
            root = owners[-1]
    if root is None:
        return None
    return content + b"\nendobj\ntrailer\n<</Root %s %s R>>\nstartxref\n0\n%%%%EOF\n" % root


def _ends_inside_stream(content: bytes) -> bool:
    """Whether the file stops within a page's content; half of it would read as a whole page."""
    marks = [mark[1] for mark in _STREAM_MARK.finditer(content)]
    return bool(marks) and marks[-1] is None
