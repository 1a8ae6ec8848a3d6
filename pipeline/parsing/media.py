"""Detects a file's media type from its bytes; the name decides only among kinds of text."""

from __future__ import annotations

import re
from typing import NoReturn

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing import office_kinds
from pipeline.parsing.kinds import (
    BY_SUFFIX,
    INSTEAD,
    REMOTE_ONLY,
    SAID,
    SUFFIXES,
    TEXTS,
    MediaType,
    promised,
    suffix_of,
)
from pipeline.parsing.mail.headers import looks_like_mail
from pipeline.parsing.texts.plain import looks_binary

__all__ = [
    "SNIFF_BYTES",
    "SUFFIXES",
    "MediaType",
    "is_container",
    "shown_name",
    "sniff",
    "unnamed",
]

SNIFF_BYTES = 64 * 1024
"""How much of a file's beginning `sniff` wants; the whole file lets it look into a zip."""

_PICTURES: tuple[tuple[bytes, MediaType], ...] = (
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"GIF87a", MediaType.GIF),
    (b"GIF89a", MediaType.GIF),
    (b"II*\x00", MediaType.TIFF),
    (b"MM\x00*", MediaType.TIFF),
    (b"II+\x00", MediaType.TIFF),
    (b"MM\x00+", MediaType.TIFF),
)
_FOREIGN: tuple[tuple[bytes, str], ...] = (
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
    (b"x\x9f>\x22", "a winmail.dat package of Outlook"),
    (b"!BDN", "an Outlook mailbox"),
)
_HTML_START = re.compile(rb"<(?:!doctype\s++html|html|head)\b", re.IGNORECASE)
_COMMENT_END = re.compile(rb"-->\s*+")
_XML_START = re.compile(rb"<\?xml[^>]{0,200}\?>")
_MARK = b"\xef\xbb\xbf"
_PDF_WITHIN = 1024
_NAME_LENGTH = 60
# Windows bitmaps: the size of the header that follows the file's own fourteen bytes.
_BITMAP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)


def sniff(head: bytes, name: str, *, remote: bool = False) -> MediaType:
    """The media type of a file.

    Args:
        head: the file's first `SNIFF_BYTES`, or better all of it.
        name: the file's name or path; only its suffix is used, and only among kinds of text.
        remote: LlamaParse reads it, so kinds that only it can read are taken too.

    Raises:
        ParseError: EMPTY, or UNSUPPORTED_TYPE with what it is and what to do.
    """
    if not head.strip(b"\x00"):
        what = "has no bytes" if not head else "holds nothing but zero bytes"
        raise ParseError(ParseCode.EMPTY, f"{shown_name(name)} {what}.")
    kind = _kind(head, name)
    if kind in REMOTE_ONLY and not remote:
        message = f"{shown_name(name)} is {SAID[kind]}, which only LlamaParse reads"
        raise ParseError(ParseCode.UNSUPPORTED_TYPE, f"{message}: {INSTEAD[kind]}.")
    return kind


def is_container(head: bytes) -> bool:
    """Whether `sniff` has to open a file to tell its kind, which can take long."""
    return head.startswith((*office_kinds.ZIPS, office_kinds.OLE))


def _kind(head: bytes, name: str) -> MediaType:
    if head.removeprefix(_MARK).lstrip().startswith(b"%PDF-"):
        return MediaType.PDF
    if head.startswith(office_kinds.ZIPS):
        return _in_zip(head, name)
    if head.startswith(office_kinds.OLE):
        if (found := office_kinds.in_ole(head, name)) is not None:
            return found
        _refuse(name, "an Office file of an unknown kind")
    if (picture := _picture(head)) is not None:
        return picture
    if head.startswith(b"{\\rtf"):
        return MediaType.RTF
    _refuse_foreign(head, name)
    return _text_or_damaged_pdf(head, name)


def _in_zip(head: bytes, name: str) -> MediaType:
    kind, named = office_kinds.in_zip(head, name), promised(name)
    if kind is MediaType.ZIP and named not in (None, MediaType.ZIP):
        _refuse(name, SAID[kind])  # a damaged document, or something else under its name
    return kind


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
    suffix = suffix_of(name)
    return f"file{suffix}" if suffix in BY_SUFFIX else "The file"


def _refuse(name: str, what: str) -> NoReturn:
    expected = promised(name)
    tail = f", not {SAID[expected]}" if expected else ", which cannot be parsed"
    raise ParseError(ParseCode.UNSUPPORTED_TYPE, f"{shown_name(name)} is {what}{tail}.")


def _picture(head: bytes) -> MediaType | None:
    for magic, kind in _PICTURES:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaType.WEBP
    if head[4:8] == b"ftyp" and head[8:11] in (b"hei", b"mif", b"hev"):
        return MediaType.HEIC
    header = int.from_bytes(head[14:18], "little")
    if head[:2] == b"BM" and len(head) > 26 and header in _BITMAP_HEADERS:
        return MediaType.BMP
    return None


def _refuse_foreign(head: bytes, name: str) -> None:
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            _refuse(name, what)
    if head[:4] == b"RIFF":
        _refuse(name, "a sound or video file")
    if head[4:8] == b"ftyp":
        _refuse(name, "a video file")


def _text_or_damaged_pdf(head: bytes, name: str) -> MediaType:
    named = promised(name)
    binary = looks_binary(head[:SNIFF_BYTES])
    if b"%PDF-" in (head if named is MediaType.PDF else head[:_PDF_WITHIN]) and (
        binary or named is MediaType.PDF or b" obj" in head
    ):
        return MediaType.PDF
    if binary and named not in (MediaType.EML, MediaType.MHTML):
        _refuse(name, "a binary file of an unknown kind")
    return _text(head, named, name)


def _text(head: bytes, named: MediaType | None, name: str) -> MediaType:
    is_html = starts_html(head)
    if named in (MediaType.XLS, MediaType.DOC) and is_html:
        return MediaType.HTML  # what many programs export under these names
    if named is MediaType.XLS and b"\t" in head[:SNIFF_BYTES] and head.lstrip()[:1] != b"<":
        return MediaType.TSV
    if named is not None and named not in TEXTS:
        # A text under such a name is nearly always an error or login page saved in its place.
        _refuse(name, SAID[MediaType.HTML if is_html else MediaType.TEXT])
    if named in (MediaType.EML, MediaType.MHTML):
        return named
    mail = looks_like_mail(head) if named in (None, MediaType.HTML) else None
    if mail is not None:
        return mail
    if named is not MediaType.MARKDOWN and is_html:
        return MediaType.HTML
    return named or MediaType.TEXT


def starts_html(head: bytes) -> bool:
    """Whether a text begins as an HTML page does, after any comments."""
    rest = head[:SNIFF_BYTES].removeprefix(_MARK).lstrip()
    if declaration := _XML_START.match(rest):
        rest = rest[declaration.end() :].lstrip()
    position = 0
    while rest.startswith(b"<!--", position):
        end = _COMMENT_END.search(rest, position + 4)
        if end is None:
            return False
        position = end.end()
    return _HTML_START.match(rest, position) is not None
