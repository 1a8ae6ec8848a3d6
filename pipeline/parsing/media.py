"""What a file really is: told from its bytes; the name decides only among kinds of text."""

from __future__ import annotations

import io
import re
import zipfile
from enum import StrEnum
from pathlib import PurePosixPath
from typing import NoReturn

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.plain import looks_binary

SNIFF_BYTES = 64 * 1024
"""How much of a file's beginning `sniff` wants; the whole file lets it look into a zip."""


class MediaType(StrEnum):
    """The kinds of file that are parsed."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    TEXT = "text/plain"


_SUFFIXES = {
    ".pdf": MediaType.PDF,
    ".docx": MediaType.DOCX,
    ".html": MediaType.HTML,
    ".htm": MediaType.HTML,
    ".xhtml": MediaType.HTML,
    ".md": MediaType.MARKDOWN,
    ".markdown": MediaType.MARKDOWN,
}
SUFFIXES = frozenset({*_SUFFIXES, ".txt", ".text"})
"""Names that are taken when a folder is read; any other name is taken when given by itself."""

_KINDS = {
    MediaType.PDF: "a PDF",
    MediaType.DOCX: "a Word document",
    MediaType.HTML: "an HTML page",
    MediaType.MARKDOWN: "a Markdown text",
    MediaType.TEXT: "a plain text",
}

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"BM\x00\x00", "a bitmap picture"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"OggS", "a sound or video file"),
    (b"ID3", "a sound file"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ZIP_KINDS = (
    ("word/", "a Word file without a document in it"),
    ("xl/", "an Excel workbook"),
    ("ppt/", "a PowerPoint presentation"),
    ("meta-inf/container.xml", "an EPUB book"),
    ("content.xml", "an OpenDocument file"),
)
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head)\b",
    re.IGNORECASE | re.DOTALL,
)
_PDF_WITHIN = 1024
_NAME_LENGTH = 60


def sniff(head: bytes, name: str) -> MediaType:
    """The media type of a file.

    Args:
        head: the file's first `SNIFF_BYTES`, or better all of it.
        name: the file's name or path; only its suffix is used, and only among kinds of text.

    Raises:
        ParseError: EMPTY, ENCRYPTED (a password-protected Office file) or UNSUPPORTED_TYPE.
    """
    if not head.strip(b"\x00"):
        what = "has no bytes" if not head else "holds nothing but zero bytes"
        raise ParseError(ParseCode.EMPTY, f"{shown_name(name)} {what}.")
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if body.startswith(b"%PDF-"):
        return MediaType.PDF
    if head.startswith(_ZIPS):
        return _zip_type(head, name)
    if head.startswith(_OLE):
        _refuse_ole(head, name)
    _refuse_foreign(head, name)
    return _text_or_damaged_pdf(head, name)


def shown_name(name: str) -> str:
    """A name as it may stand in a message: its last part, without control characters, short."""
    last = re.split(r"[/\\]", name)[-1] or name
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in last).strip()
    if len(clean) > _NAME_LENGTH:
        half = _NAME_LENGTH // 2 - 1
        clean = f"{clean[:half]}…{clean[-half:]}"
    return clean or "The file"


def unnamed(name: str) -> str:
    """A name with nothing of its own but the ending, for `sniff` where a message is kept or sent.

    Its errors end in logs, in the audit and in Prefect, where no document is named.
    """
    suffix = _suffix(name)
    return f"file{suffix}" if suffix in _SUFFIXES else "The file"


def _suffix(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).suffix.lower()


def _refuse(name: str, what: str) -> NoReturn:
    expected = _SUFFIXES.get(_suffix(name))
    tail = f", not {_KINDS[expected]}" if expected else ", which cannot be parsed"
    raise ParseError(ParseCode.UNSUPPORTED_TYPE, f"{shown_name(name)} is {what}{tail}.")


def _refuse_foreign(head: bytes, name: str) -> None:
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            _refuse(name, what)
    if head[:4] == b"RIFF":
        _refuse(name, "a WebP picture" if head[8:12] == b"WEBP" else "a sound or video file")
    if head[4:8] == b"ftyp":
        _refuse(name, "a HEIC picture" if head[8:11] in (b"hei", b"mif") else "a video file")


def _refuse_ole(head: bytes, name: str) -> NoReturn:
    if "EncryptedPackage".encode("utf-16-le") in head:
        message = f"{shown_name(name)} is protected with a password."
        raise ParseError(ParseCode.ENCRYPTED, message)
    _refuse(name, "an old Office file (before 2007)")


def _zip_type(head: bytes, name: str) -> MediaType:
    try:
        with zipfile.ZipFile(io.BytesIO(head)) as archive:
            members = {entry.filename.lower() for entry in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return _zip_type_from_start(head, name)
    if "word/document.xml" in members or (
        "[content_types].xml" in members and any(m.startswith("word/") for m in members)
    ):
        return MediaType.DOCX
    for prefix, what in _ZIP_KINDS:
        if any(member.startswith(prefix) for member in members):
            _refuse(name, what)
    _refuse(name, "a ZIP archive")


def _zip_type_from_start(head: bytes, name: str) -> MediaType:
    """Only the beginning is at hand, or the end is missing: the parser tells which."""
    if b"word/" in head or (_suffix(name) == ".docx" and b"[Content_Types].xml" in head):
        return MediaType.DOCX
    _refuse(name, "a ZIP archive")


def _text_or_damaged_pdf(head: bytes, name: str) -> MediaType:
    named = _SUFFIXES.get(_suffix(name))
    binary = looks_binary(head[:SNIFF_BYTES])
    if b"%PDF-" in (head if named is MediaType.PDF else head[:_PDF_WITHIN]) and (
        binary or named is MediaType.PDF or b" obj" in head
    ):
        return MediaType.PDF
    if binary:
        _refuse(name, "a binary file of an unknown kind")
    if named in (MediaType.PDF, MediaType.DOCX):
        # A text under such a name is nearly always an error or login page saved in its place.
        is_html = _HTML_START.match(head.removeprefix(b"\xef\xbb\xbf"))
        _refuse(name, _KINDS[MediaType.HTML if is_html else MediaType.TEXT])
    if named is not MediaType.MARKDOWN and _HTML_START.match(head.removeprefix(b"\xef\xbb\xbf")):
        return MediaType.HTML
    return named or MediaType.TEXT
