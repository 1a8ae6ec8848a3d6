"""Reads drawings in a Word document: text boxes, pictures, diagrams, charts, embedded objects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.parsing.docx.charts import chart
from pipeline.parsing.docx.context import Context, chosen, inches
from pipeline.parsing.docx.names import Element, attribute, child, children, short
from pipeline.parsing.docx.runs import BlocksOf
from pipeline.parsing.flowing.blocks import Block, Item, Paragraph
from pipeline.parsing.texts.data_uris import is_description

_MADE_UP = re.compile(r"description automatically generated|ai-generated content", re.IGNORECASE)
_LENGTH = re.compile(r"(?:^|;)\s*(width|height)\s*:\s*([\d.]{1,12})\s*(pt|in|px|cm|mm)?")
_PER_INCH = {"pt": 72.0, "in": 1.0, "px": 96.0, "cm": 2.54, "mm": 25.4, "": 72.0}


class DrawingReader:
    """Reads the drawings of a document; text boxes hold paragraphs and tables of their own."""

    def __init__(self, context: Context, blocks_of: BlocksOf) -> None:
        self._context = context
        self._blocks_of = blocks_of

    def blocks(self, element: Element) -> list[Block]:
        """What stands in a ``w:drawing``, ``w:pict`` or ``w:object``, as text."""
        return list(self._inside(element, ""))

    def _inside(self, element: Element, size: str) -> Iterator[Block]:
        for name, each in children(element):
            match name:
                case "w:txbxContent":
                    with self._context.in_box():
                        yield from self._blocks_of(each)
                case "mc:AlternateContent":
                    branch = chosen(each)
                    if branch is not None:
                        yield from self._inside(branch, size)
                case "wp:inline" | "wp:anchor":
                    yield from self._frame(each)
                case "v:imagedata":
                    self._vml_picture(each, size)
                case "v:textpath":
                    yield Paragraph(attribute(each, "string") or "")
                case "o:OLEObject":
                    self._context.left_out.parts += 1
                case "a:p":
                    yield Paragraph(_drawn_text(each))
                case "c:chart":
                    yield from self._chart(each)
                case "dgm:relIds":
                    yield from self._diagram(each)
                case _:
                    yield from self._inside(each, attribute(each, "style") or size)

    def _frame(self, element: Element) -> Iterator[Block]:
        """A drawing with its size; a picture leaves its description, or is a gap when large."""
        properties, extent = child(element, "wp:docPr"), child(element, "wp:extent")
        if attribute(properties, "hidden") in ("1", "true"):
            return
        if any(_is_picture(each) for each in element.iter()):
            if words := _description(properties):
                yield Paragraph(words)
            else:
                size = (inches(attribute(extent, side)) for side in ("cx", "cy"))
                self._context.meet_picture(*size)
        yield from self._inside(element, "")

    def _vml_picture(self, element: Element, style: str) -> None:
        sizes = {
            side: float(length.rstrip(".")) / _PER_INCH[unit or ""]
            for side, length, unit in _LENGTH.findall(style)
            if length.count(".") < 2 and length.strip(".")
        }
        self._context.meet_picture(sizes.get("width", 0.0), sizes.get("height", 0.0))

    def _chart(self, element: Element) -> Iterator[Block]:
        reference = self._context.references.get(attribute(element, "id") or "")
        root = self._context.package.xml(reference.target) if reference else None
        found = chart(root) if root is not None else []
        if not found:
            self._context.left_out.parts += 1
        yield from found

    def _diagram(self, element: Element) -> Iterator[Block]:
        reference = self._context.references.get(attribute(element, "dm") or "")
        root = self._context.package.xml(reference.target) if reference else None
        for each in root.iter() if root is not None else ():
            if isinstance(each.tag, str) and short(each.tag) == "a:p" and _drawn_text(each):
                yield Item("-", _drawn_text(each))


def _is_picture(element: Element) -> bool:
    return isinstance(element.tag, str) and short(element.tag) == "a:blip"


def _drawn_text(paragraph: Element) -> str:
    texts = (
        e.text or "" for e in paragraph.iter() if isinstance(e.tag, str) and short(e.tag) == "a:t"
    )
    return " ".join("".join(texts).split())


def _description(properties: Element | None) -> str:
    """What the author says of a picture; a file's name or a machine's guess does not count."""
    words = " ".join((attribute(properties, "descr") or "").split())
    return words if is_description(words) and not _MADE_UP.search(words) else ""
