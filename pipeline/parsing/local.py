"""Parses the bytes of one file to a `ParsedDocument`, in the current process.

`sandbox` runs this in worker processes with limits; call it directly only on trusted files.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import version

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.parsing.flowing.blocks import ReadText
from pipeline.parsing.flowing.tables_in_markdown import tables_of
from pipeline.parsing.kinds import INSTEAD, PICTURES, SAID, MediaType
from pipeline.parsing.office.unlocking import unlocked
from pipeline.parsing.options import MIB, ParseOptions
from pipeline.parsing.reading import Reading
from pipeline.parsing.texts import plain
from pipeline.parsing.texts.data_uris import without_data_uris
from pipeline.text import normalize

PARSER = "local-2"
"""Name and version of this parser; a change in what it gives raises the version."""

_LIBRARIES = {
    MediaType.PDF: ("liteparse", "pypdfium2"),
    MediaType.DOCX: ("lxml",),
    MediaType.HTML: ("beautifulsoup4", "lxml"),
    MediaType.EML: ("beautifulsoup4", "lxml"),
    MediaType.MHTML: ("beautifulsoup4", "lxml"),
    MediaType.MSG: ("olefile",),
    MediaType.XLSX: ("openpyxl",),
    MediaType.XLS: ("xlrd",),
    MediaType.XLSB: ("python-calamine",),
    MediaType.RTF: ("striprtf",),
    MediaType.DOC: ("lxml",),
    **dict.fromkeys(PICTURES, ("liteparse", "pillow")),
}
# Module and function of each reader; imported when the first file of its kind comes.
_READERS = {
    MediaType.EML: "mail.eml:read",
    MediaType.MSG: "mail.msg:read",
    MediaType.MHTML: "mail.mhtml:read",
    MediaType.ZIP: "containers.zip_archive:read",
    MediaType.XLSX: "sheets.xlsx:read",
    MediaType.XLS: "sheets.xls:read",
    MediaType.XLSB: "sheets.values_only:read",
    MediaType.ODS: "office.opendocument:read_sheets",
    MediaType.CSV: "sheets.delimited:read_csv",
    MediaType.TSV: "sheets.delimited:read_tsv",
    MediaType.PPTX: "office.pptx:read",
    MediaType.ODP: "office.opendocument:read_presentation",
    MediaType.ODT: "office.opendocument:read_text",
    MediaType.RTF: "office.rtf:read",
    **dict.fromkeys(PICTURES, "image:read"),
}


def parse_bytes(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    """Parse one file. A document without words is returned as such: see `require_text`.

    Raises:
        ParseError: the file cannot be turned into text; the message says why in one sentence.
    """
    check_size(len(content), options)
    try:
        plain_bytes = unlocked(content, media_type, options.passwords)
        return _normalized(_parse(plain_bytes, media_type, options))
    except NavigatorError:
        raise
    except MemoryError as error:
        message = "The file needed more memory than one document may use."
        raise ParseError(ParseCode.OUT_OF_MEMORY, message) from error
    except RecursionError as error:
        message = "The file nests its elements too deeply to be a document."
        raise ParseError(ParseCode.BROKEN, message) from error
    except Exception as error:
        # The libraries raise whatever a hostile file leads them into; the type is all we may say.
        message = f"The parser stopped on this file with {type(error).__name__}."
        raise ParseError(ParseCode.CRASHED, message) from error


def rescue_bytes(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    """`parse_bytes` without the layout engine, for a PDF that has crashed it.

    Raises:
        ParseError: as `parse_bytes`.
    """
    return parse_bytes(content, media_type, replace(options, layout=False))


def convert_bytes(content: bytes, media_type: MediaType, options: ParseOptions) -> bytes:
    """A DOC as DOCX, by another program: the one kind of file that our own libraries cannot read.

    Raises:
        ParseError: UNSUPPORTED_TYPE without LibreOffice, BROKEN when it cannot read the file.
    """
    from pipeline.parsing.office import doc as old_word

    check_size(len(content), options)
    return old_word.as_docx(unlocked(content, media_type, options.passwords), options)


def check_size(size: int, options: ParseOptions) -> None:
    """Refuse an empty or an oversized file before anything reads it.

    Raises:
        ParseError: EMPTY or TOO_LARGE.
    """
    if size == 0:
        raise ParseError(ParseCode.EMPTY, "The file has no bytes.")
    if size > options.max_file_bytes:
        limit = options.max_file_bytes / MIB
        message = f"The file has {size / MIB:,.1f} MiB, more than the limit of {limit:,.1f} MiB."
        raise ParseError(ParseCode.TOO_LARGE, message)


def _parse(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    match media_type:
        case MediaType.PDF:
            from pipeline.parsing.pdf.document import to_pages

            read = to_pages(content, options)
            return ParsedDocument(
                read.pages,
                True,
                PARSER,
                engine(media_type),
                notes=read.notes,
                fidelity=read.fidelity,
            )
        case MediaType.DOCX:
            from pipeline.parsing import docx

            return _flowing(docx.read(content), media_type)
        case MediaType.HTML:
            from pipeline.parsing import html

            return _flowing(html.read(content), media_type)
        case MediaType.MARKDOWN:
            from pipeline.parsing.texts import markdown

            return _flowing(markdown.read(plain.decode(content)), media_type)
        case MediaType.TEXT:
            return _flowing(ReadText(plain.decode(content)), media_type)
        case MediaType.DOC:
            from pipeline.parsing.office import doc as old_word

            return _parse(old_word.as_docx(content, options), MediaType.DOCX, options)
        case _:
            return _read(content, media_type, options)


def _read(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    if media_type not in _READERS:
        message = f"It is {SAID[media_type]}, which only LlamaParse reads: {INSTEAD[media_type]}."
        raise ParseError(ParseCode.UNSUPPORTED_TYPE, message)
    module, _, name = _READERS[media_type].partition(":")
    reader = getattr(import_module(f"pipeline.parsing.{module}"), name)
    found: Reading = reader(content, options)
    return ParsedDocument(
        found.pages,
        found.paged,
        PARSER,
        engine(media_type),
        notes=found.notes,
        facts=found.facts,
        attachments=found.attachments,
        fidelity=found.fidelity,
    )


def _flowing(read: ReadText, media_type: MediaType) -> ParsedDocument:
    """A document of one page without number, from what a reader of its format returned."""
    text, notes = without_data_uris(read.markdown)
    page = ParsedPage(1, text, scanned=read.scanned)
    return ParsedDocument(
        (page,), False, PARSER, engine(media_type), notes=read.notes + notes, facts=read.facts
    )


@cache
def engine(media_type: MediaType) -> str:
    """The libraries, with versions, that read a media type."""
    names = _LIBRARIES.get(media_type, ())
    return " + ".join(f"{name} {version(name)}" for name in names) or "plain text"


def _normalized(document: ParsedDocument) -> ParsedDocument:
    texts = [normalize(page.text) for page in document.pages]
    pages = tuple(
        replace(page, text=normal.text, tables=page.tables or tables_of(normal.text))
        for page, normal in zip(document.pages, texts, strict=True)
    )
    return replace(
        document,
        pages=pages,
        replaced=sum(normal.replaced for normal in texts),
        facts={name: normalize(value).text for name, value in document.facts.items()},
        attachments=tuple(
            replace(each, name=normalize(each.name).text) for each in document.attachments
        ),
    )
