"""Opens the parts of a Word file (OPC package): its document, and what that refers to."""

from __future__ import annotations

import posixpath
import zipfile
from functools import cached_property
from typing import NamedTuple

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.docx.names import Element, attribute, child, short

_DAMAGED = "The Word file is damaged: its document part is missing or cannot be read."


class Reference(NamedTuple):
    """What a part refers to: the last word of the relationship's type, and the other part."""

    kind: str
    target: str


class Package:
    """An open Word file whose archive has been checked."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.lower(): name for name in archive.namelist()}

    @cached_property
    def main(self) -> str:
        """The name of the part that holds the document."""
        found = (r.target for r in self.references("").values() if r.kind == "officeDocument")
        return next((name for name in found if self.has(name)), "word/document.xml")

    def has(self, name: str) -> bool:
        """Whether there is a part of a name."""
        return name.lower() in self._names

    def document(self) -> Element:
        """The body of the document.

        Raises:
            ParseError: BROKEN, when there is none.
        """
        root = self.xml(self.main)
        body = child(root, "w:body")
        if body is None or root is None or short(root.tag) != "w:document":
            raise damaged()
        return body

    def xml(self, name: str) -> Element | None:
        """The root of an XML part, None when it is missing.

        Raises:
            ParseError: BROKEN, when it cannot be read.
        """
        from lxml import etree

        content = self.content(name)
        if content is None:
            return None
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
            remove_pis=True,
        )  # fmt: skip
        try:
            return etree.fromstring(content, parser)
        except etree.XMLSyntaxError as error:
            raise damaged() from error

    def content(self, name: str) -> bytes | None:
        """The bytes of a part, None when it is missing."""
        return self._archive.read(self._names[name.lower()]) if self.has(name) else None

    def related(self, kind: str) -> Element | None:
        """The root of the part of a kind that the document refers to (``styles``)."""
        name = self.related_name(kind)
        return self.xml(name) if name else None

    def related_name(self, kind: str) -> str:
        """The name of the part of a kind that the document refers to, empty without one."""
        found = self.references(self.main).values()
        return next((each.target for each in found if each.kind == kind), "")

    def references(self, part: str) -> dict[str, Reference]:
        """What a part refers to, by the ids of its relationships."""
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, Reference] = {}
        for each in root if root is not None else ():
            target, kind = attribute(each, "Target") or "", attribute(each, "Type") or ""
            if attribute(each, "TargetMode") != "External":
                path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
                found[attribute(each, "Id") or ""] = Reference(kind.rpartition("/")[2], path)
        return found

    def pictures(self) -> int:
        """How many pictures the file holds."""
        folder = posixpath.dirname(self.main)
        return sum(name.startswith(f"{folder}/media/") for name in self._names)


def damaged() -> ParseError:
    """The error for a file whose document cannot be read."""
    return ParseError(ParseCode.BROKEN, _DAMAGED)
