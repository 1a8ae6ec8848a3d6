"""Parses OpenDocument files: texts (ODT), presentations (ODP) and spreadsheets (ODS)."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from pipeline.documents import ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.notes import Note, NoteKind
from pipeline.parsing.office.open_text import OpenText
from pipeline.parsing.office.package import opened_package, xml_part
from pipeline.parsing.office.slide_text import local
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.reading import Reading
from pipeline.parsing.sheets.ods import open_sheets
from pipeline.parsing.sheets.pages import sheets_reading

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_WHAT = "The OpenDocument file"
_MANIFEST = "META-INF/manifest.xml"


def read_text(content: bytes, options: ParseOptions) -> Reading:
    """Reads an ODT.

    Raises:
        ParseError: BROKEN, ENCRYPTED, TOO_LARGE or UNSUPPORTED_TYPE (hostile XML).
    """
    with opened_package(content, _WHAT) as archive:
        body, styles = _body(archive, "text")
        reader = OpenText(styles)
        pages = (ParsedPage(1, reader.blocks(body)),)
        return Reading(pages, notes=tuple(_notes(archive, reader)), facts=_facts(archive))


def read_presentation(content: bytes, options: ParseOptions) -> Reading:
    """Reads an ODP, slides as pages.

    Raises:
        ParseError: as `read_text`.
    """
    with opened_package(content, _WHAT) as archive:
        body, styles = _body(archive, "presentation")
        reader = OpenText(styles)
        slides = [each for each in body if local(each) == "page"]
        pages = tuple(ParsedPage(n, reader.blocks(page)) for n, page in enumerate(slides, 1))
        notes = tuple(_notes(archive, reader))
        return Reading(pages or (ParsedPage(1, ""),), True, notes, _facts(archive))


def read_sheets(content: bytes, options: ParseOptions) -> Reading:
    """Reads an ODS, sheets as pages.

    Raises:
        ParseError: as `read_text`.
    """
    with opened_package(content, _WHAT) as archive:
        body, styles = _body(archive, "spreadsheet")
        return sheets_reading(open_sheets(body, styles))


def _body(archive: zipfile.ZipFile, kind: str) -> tuple[Element, Element]:
    if _MANIFEST in archive.namelist() and b"encryption-data" in archive.read(_MANIFEST):
        raise ParseError(ParseCode.ENCRYPTED, f"{_WHAT} is protected with a password.")
    root = xml_part(archive, "content.xml")
    for body in (each for each in root.iter() if local(each) == "body"):
        for each in body:
            if local(each) == kind:
                return each, root
    raise ParseError(ParseCode.BROKEN, f"{_WHAT} is damaged: it has no body.")


def _notes(archive: zipfile.ZipFile, reader: OpenText) -> list[Note]:
    notes = []
    if reader.hidden:
        message = "Text that is not shown was left out."
        notes.append(Note(NoteKind.HIDDEN_LEFT_OUT, message))
    pictures = sum(name.startswith("Pictures/") for name in archive.namelist())
    if pictures:
        words = "1 picture was" if pictures == 1 else f"{pictures:,} pictures were"
        notes.append(Note(NoteKind.PICTURE_NOT_READ, f"{words} not read."))
    return notes


def _facts(archive: zipfile.ZipFile) -> dict[str, str]:
    if "meta.xml" not in archive.namelist():
        return {}
    wanted = {"title": "title", "creator": "author", "date": "date"}
    found = {
        wanted[local(each)]: " ".join((each.text or "").split())
        for each in xml_part(archive, "meta.xml").iter()
        if local(each) in wanted
    }
    return {name: value for name, value in found.items() if value}
