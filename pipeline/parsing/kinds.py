"""The kinds of file that are known: their media types, names, and what a person calls them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath

_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"


class MediaType(StrEnum):
    """The kinds of file that are parsed, here or by LlamaParse."""

    PDF = "application/pdf"
    DOCX = f"{_OPEN_XML}.wordprocessingml.document"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    TEXT = "text/plain"

    EML = "message/rfc822"
    MSG = "application/vnd.ms-outlook"
    MHTML = "multipart/related"
    ZIP = "application/zip"

    XLSX = f"{_OPEN_XML}.spreadsheetml.sheet"
    XLS = "application/vnd.ms-excel"
    XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
    ODS = f"{_OPEN_DOCUMENT}.spreadsheet"
    CSV = "text/csv"
    TSV = "text/tab-separated-values"

    PPTX = f"{_OPEN_XML}.presentationml.presentation"
    ODP = f"{_OPEN_DOCUMENT}.presentation"
    ODT = f"{_OPEN_DOCUMENT}.text"
    RTF = "application/rtf"
    DOC = "application/msword"

    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"
    BMP = "image/bmp"
    GIF = "image/gif"
    WEBP = "image/webp"

    PPT = "application/vnd.ms-powerpoint"
    EPUB = "application/epub+zip"
    PAGES = "application/vnd.apple.pages"
    KEYNOTE = "application/vnd.apple.keynote"
    NUMBERS = "application/vnd.apple.numbers"
    HEIC = "image/heic"


M = MediaType

PICTURES = frozenset({M.PNG, M.JPEG, M.TIFF, M.BMP, M.GIF, M.WEBP})
"""Kinds that hold nothing but a picture, so that only OCR reads them."""

CONTAINERS = frozenset({M.EML, M.MSG, M.ZIP})
"""Kinds with files inside, which become documents of their own; always opened on this machine."""

PAGED = frozenset(
    {
        M.PDF, M.PPTX, M.PPT, M.ODP, M.KEYNOTE, M.XLSX, M.XLS, M.XLSB, M.ODS, M.NUMBERS, M.TIFF,
    }
)  # fmt: skip
"""Kinds whose pages, slides or sheets a reader counts."""

REMOTE_ONLY = frozenset({M.PPT, M.EPUB, M.PAGES, M.KEYNOTE, M.NUMBERS, M.HEIC})
"""Kinds that only LlamaParse reads."""

TEXTS = frozenset({M.MARKDOWN, M.TEXT, M.CSV, M.TSV, M.HTML, M.EML, M.MHTML})
"""Kinds that are text themselves, so that their names have a say in what they are."""

BY_SUFFIX: dict[str, MediaType] = {
    ".pdf": M.PDF,
    ".docx": M.DOCX, ".docm": M.DOCX, ".dotx": M.DOCX,
    ".html": M.HTML, ".htm": M.HTML, ".xhtml": M.HTML,
    ".md": M.MARKDOWN, ".markdown": M.MARKDOWN,
    ".eml": M.EML, ".msg": M.MSG, ".mht": M.MHTML, ".mhtml": M.MHTML, ".zip": M.ZIP,
    ".xlsx": M.XLSX, ".xlsm": M.XLSX, ".xls": M.XLS, ".xlsb": M.XLSB, ".ods": M.ODS,
    ".csv": M.CSV, ".tsv": M.TSV, ".tab": M.TSV,
    ".pptx": M.PPTX, ".pptm": M.PPTX, ".ppsx": M.PPTX, ".odp": M.ODP,
    ".odt": M.ODT, ".rtf": M.RTF, ".doc": M.DOC,
    ".png": M.PNG, ".jpg": M.JPEG, ".jpeg": M.JPEG, ".tif": M.TIFF, ".tiff": M.TIFF,
    ".bmp": M.BMP, ".gif": M.GIF, ".webp": M.WEBP,
    ".ppt": M.PPT, ".epub": M.EPUB, ".pages": M.PAGES, ".key": M.KEYNOTE,
    ".numbers": M.NUMBERS, ".heic": M.HEIC,
}  # fmt: skip
"""The kind that a file's name promises, by its ending."""

SUFFIXES = frozenset(
    {".txt", ".text", *(suffix for suffix, kind in BY_SUFFIX.items() if kind not in REMOTE_ONLY)}
)
"""Names that are taken when a folder is read; any other name is taken when given by itself."""

PICTURE_SUFFIXES = frozenset(suffix for suffix, kind in BY_SUFFIX.items() if kind in PICTURES)
"""Of these, names of pictures: taken from a folder only where something reads pictures."""

SAID: dict[MediaType, str] = {
    M.PDF: "a PDF",
    M.DOCX: "a Word document",
    M.HTML: "an HTML page",
    M.MARKDOWN: "a Markdown text",
    M.TEXT: "a plain text",
    M.EML: "an e-mail",
    M.MSG: "an Outlook message",
    M.MHTML: "a saved web page",
    M.ZIP: "a ZIP archive",
    M.XLSX: "an Excel workbook",
    M.XLS: "an Excel workbook",
    M.XLSB: "an Excel workbook",
    M.ODS: "an OpenDocument spreadsheet",
    M.CSV: "a CSV table",
    M.TSV: "a table with tabs",
    M.PPTX: "a PowerPoint presentation",
    M.ODP: "an OpenDocument presentation",
    M.ODT: "an OpenDocument text",
    M.RTF: "an RTF document",
    M.DOC: "a Word document from before 2007",
    M.PNG: "a PNG picture",
    M.JPEG: "a JPEG picture",
    M.TIFF: "a TIFF picture",
    M.BMP: "a bitmap picture",
    M.GIF: "a GIF picture",
    M.WEBP: "a WebP picture",
    M.PPT: "a PowerPoint presentation from before 2007",
    M.EPUB: "an EPUB book",
    M.PAGES: "a Pages document",
    M.KEYNOTE: "a Keynote presentation",
    M.NUMBERS: "a Numbers spreadsheet",
    M.HEIC: "a HEIC picture",
}
"""What a person calls a kind, with its article."""

INSTEAD: dict[MediaType, str] = {
    M.PPT: "save it as PPTX",
    M.EPUB: "save it as PDF",
    M.PAGES: "export it as DOCX or PDF",
    M.KEYNOTE: "export it as PPTX or PDF",
    M.NUMBERS: "export it as XLSX",
    M.HEIC: "save it as JPEG or PNG",
}
"""What to do with a kind that is not read on this machine."""


def suffix_of(name: str) -> str:
    """A name's ending with its dot, in lower case."""
    return PurePosixPath(name.replace("\\", "/")).suffix.lower()


def promised(name: str) -> MediaType | None:
    """The kind that a name promises, if any."""
    return BY_SUFFIX.get(suffix_of(name))


def usual_suffix(kind: MediaType) -> str:
    """The ending that files of a kind usually have."""
    return next((suffix for suffix, each in BY_SUFFIX.items() if each is kind), ".txt")
