"""Parses PPTX: slides as pages, titles as headings, tables, and the speaker's notes."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.documents import ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.notes import Note, NoteKind
from pipeline.parsing.office.package import opened_package, xml_part
from pipeline.parsing.office.slide_text import covers_much, shape_text, shapes
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.reading import Reading

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
# Files in the strict form of the standard have other names for the same things.
_STRICT_P = "{http://purl.oclc.org/ooxml/presentationml/main}"
_STRICT_R = "{http://purl.oclc.org/ooxml/officeDocument/relationships}"


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads a presentation; hidden slides are left out.

    Raises:
        ParseError: BROKEN, ENCRYPTED, TOO_LARGE, TOO_MANY_PAGES or UNSUPPORTED_TYPE (its XML).
    """
    with opened_package(content, "The presentation") as archive:
        names = list(_slides(archive))
        if len(names) > options.max_pages:
            message = f"The presentation has {len(names):,} slides, more than the limit."
            raise ParseError(ParseCode.TOO_MANY_PAGES, message)
        return _read(archive, names)


def _read(archive: zipfile.ZipFile, names: list[str]) -> Reading:
    pages, hidden, pictures = [], [], []
    for number, name in enumerate(names, 1):
        root = xml_part(archive, name)
        if root.get("show") in ("0", "false"):
            hidden.append(number)
            continue
        pages.append(ParsedPage(number, _slide(archive, name, root)))
        if covers_much(root):
            pictures.append(number)
    notes = []
    if hidden:
        message = "Hidden slides were left out."
        notes.append(Note(NoteKind.HIDDEN_LEFT_OUT, message, tuple(hidden)))
    if pictures:
        message = "Large pictures on slides were not read."
        notes.append(Note(NoteKind.PICTURE_NOT_READ, message, tuple(pictures)))
    return Reading(tuple(pages) or (ParsedPage(1, ""),), paged=True, notes=tuple(notes))


def _slides(archive: zipfile.ZipFile) -> Iterator[str]:
    """The parts of the slides, in the order in which they are shown."""
    main = "ppt/presentation.xml"
    root, related = xml_part(archive, main), relations(archive, main)
    for tag in (f"{_P}sldId", f"{_STRICT_P}sldId"):
        for each in root.iter(tag):
            target = related.get(each.get(f"{_R}id") or each.get(f"{_STRICT_R}id") or "")
            if target is not None:
                yield target[1]


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """What a part refers to: kind and name of each part, by id."""
    folder, name = posixpath.split(part)
    known = f"{folder}/_rels/{name}.rels"
    if known not in archive.namelist():
        return {}
    found = {}
    for each in xml_part(archive, known):
        target = each.get("Target", "")
        if each.get("TargetMode") == "External":
            continue
        path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
        kind = each.get("Type", "").rpartition("/")[2]
        found[each.get("Id", "")] = (kind, posixpath.normpath(path))
    return found


def _slide(archive: zipfile.ZipFile, name: str, root: Element) -> str:
    title, body = "", []
    for kind, shape in shapes(root):
        if kind in ("dt", "ftr", "sldNum"):
            continue  # the date, footer and number of every slide
        text = shape_text(shape)
        if kind in ("title", "ctrTitle") and text and not title:
            title = " ".join(text.split())
        elif text:
            body.append(text)
    related = relations(archive, name)
    diagrams = [path for kind, path in related.values() if kind == "diagramData"]
    body += [text for path in diagrams if (text := _diagram(archive, path))]
    spoken = next((path for kind, path in related.values() if kind == "notesSlide"), None)
    if spoken and (said := _spoken(xml_part(archive, spoken))):
        body.append(f"Speaker's notes:\n\n{said}")
    return "\n\n".join([f"# {title}"] * bool(title) + body)


def _spoken(root: Element) -> str:
    return "\n\n".join(
        text for kind, shape in shapes(root) if kind == "body" and (text := shape_text(shape))
    )


def _diagram(archive: zipfile.ZipFile, path: str) -> str:
    if path not in archive.namelist():
        return ""
    points = (p for p in xml_part(archive, path).iter() if p.tag.endswith("}t"))
    texts = ((each.text or "").strip() for each in points)
    return "\n".join(f"- {text}" for text in texts if text)
