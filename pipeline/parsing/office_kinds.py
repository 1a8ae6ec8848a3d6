"""Detects what lies in a ZIP or OLE container: an office document, by its parts, or files."""

from __future__ import annotations

import io
import zipfile

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.kinds import MediaType, promised

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

# Each part that only one kind of document has.
_PARTS: tuple[tuple[str, MediaType], ...] = (
    ("word/document.xml", MediaType.DOCX),
    ("xl/workbook.bin", MediaType.XLSB),
    ("xl/workbook.xml", MediaType.XLSX),
    ("ppt/presentation.xml", MediaType.PPTX),
    ("meta-inf/container.xml", MediaType.EPUB),
)
_FOLDERS = (("word/", MediaType.DOCX), ("xl/", MediaType.XLSX), ("ppt/", MediaType.PPTX))
_APPLE = (MediaType.PAGES, MediaType.KEYNOTE, MediaType.NUMBERS)
_OPEN_DOCUMENTS = {
    "application/vnd.oasis.opendocument.text": MediaType.ODT,
    "application/vnd.oasis.opendocument.text-template": MediaType.ODT,
    "application/vnd.oasis.opendocument.spreadsheet": MediaType.ODS,
    "application/vnd.oasis.opendocument.presentation": MediaType.ODP,
}
_BROKEN = (zipfile.BadZipFile, ValueError, NotImplementedError, OSError)


def in_zip(head: bytes, name: str) -> MediaType:
    """The kind of a ZIP container; an archive of files when it is no document."""
    try:
        with zipfile.ZipFile(io.BytesIO(head)) as archive:
            members = {entry.filename.lower() for entry in archive.infolist()}
            open_document = _open_document(archive) if "mimetype" in members else None
    except _BROKEN:
        return _from_start(head, name)
    if open_document is not None:
        return open_document
    for part, kind in _PARTS:
        if part in members:
            return kind
    if "[content_types].xml" in members:
        for folder, kind in _FOLDERS:
            if any(member.startswith(folder) for member in members):
                return kind
    named = promised(name)
    if any(member.endswith(".iwa") for member in members):
        return named if named in _APPLE else MediaType.PAGES
    return MediaType.ZIP


def _open_document(archive: zipfile.ZipFile) -> MediaType | None:
    try:
        with archive.open("mimetype") as part:
            declared = part.read(100).decode("ascii", "replace").strip()
    except (*_BROKEN, KeyError, RuntimeError):
        return None
    return _OPEN_DOCUMENTS.get(declared)


def _from_start(head: bytes, name: str) -> MediaType:
    """Only the beginning is at hand, or the end is missing: the parser tells which."""
    named = promised(name)
    if named in (MediaType.XLSX, MediaType.XLSB, MediaType.PPTX, MediaType.ODT, MediaType.ODS):
        return named
    if b"word/" in head or (named is MediaType.DOCX and b"[Content_Types].xml" in head):
        return MediaType.DOCX
    return MediaType.ZIP


def in_ole(head: bytes, name: str) -> MediaType | None:
    """The kind of an OLE container, by the names of its streams; None when they tell nothing.

    A document that a password encrypts is what its name promises: its parser knows what to do.
    """
    streams = ole_streams(head)
    if "EncryptedPackage" in streams or _utf16("EncryptedPackage") in head:
        named = promised(name)
        return named if named in (MediaType.XLSX, MediaType.PPTX, MediaType.XLSB) else _word(named)
    if any(each.startswith("__properties_version1") for each in streams):
        return MediaType.MSG
    for stream, kind in _STREAMS:
        if stream in streams:
            return kind
    told = next((kind for stream, kind in _STREAMS if _utf16(stream) in head), None)
    named = promised(name)
    # only the beginning may be at hand: then the name is believed, and the parser tells more
    return told or (named if not streams and named in _KINDS else None)


_STREAMS = (
    ("WordDocument", MediaType.DOC),
    ("Workbook", MediaType.XLS),
    ("Book", MediaType.XLS),
    ("PowerPoint Document", MediaType.PPT),
    ("__properties_version1.0", MediaType.MSG),
)


_KINDS = {kind for _, kind in _STREAMS} | {MediaType.DOCX, MediaType.XLSX, MediaType.PPTX}


def _word(named: MediaType | None) -> MediaType:
    return MediaType.DOCX if named is None or named is not MediaType.DOC else MediaType.DOC


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def ole_streams(content: bytes) -> set[str]:
    """The names of the streams at the top of an OLE container; empty when it is damaged."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(content)) as container:
            return {entry[0] for entry in container.listdir(streams=True, storages=False)}
    except Exception:  # whatever a damaged container leads the library into
        return set()


def refuse_damaged(what: str) -> ParseError:
    """The error of an archive that cannot be unpacked."""
    return ParseError(ParseCode.BROKEN, f"{what} is damaged: its archive cannot be unpacked.")
