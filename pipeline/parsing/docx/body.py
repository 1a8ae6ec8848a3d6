"""Reads the blocks of a Word document: headings with their numbers, paragraphs, lists, tables."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.parsing.docx.context import Cited, Context, chosen
from pipeline.parsing.docx.drawings import DrawingReader
from pipeline.parsing.docx.fields import check_box_of
from pipeline.parsing.docx.names import Element, attribute, child, children, number, value
from pipeline.parsing.docx.numbering import Label
from pipeline.parsing.docx.runs import RunReader, has_mark
from pipeline.parsing.docx.styles import ParagraphStyle
from pipeline.parsing.docx.tables import TableReader
from pipeline.parsing.flowing.blocks import (
    Block,
    Heading,
    Item,
    Paragraph,
    heading_or_paragraph,
    line_of,
)
from pipeline.parsing.flowing.inline import inline_markdown

_WRAPPERS = frozenset(
    {"w:sdtContent", "w:customXml", "w:ins", "w:moveTo", "w:dir", "w:bdo", "w:smartTag"}
)
_WEB = (".html", ".htm", ".xhtml")


class BodyReader:
    """Reads a part of a document: its body, a header, a note."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._drawings = DrawingReader(context, self.blocks)
        self._tables = TableReader(context, self.blocks)

    def document(self, body: Element) -> list[Block]:
        """The blocks of the document; notes follow the block, or the list, that cites them."""
        found: list[Block] = []
        waiting: list[Cited] = []
        for name, element in _unwrapped(body):
            self._context.cited = []
            blocks = list(self._one(name, element))
            if blocks and not isinstance(blocks[0], Item):
                found.extend(self._texts_of(waiting))
                waiting = []
            found.extend(blocks)
            waiting.extend(self._context.cited)
        return found + self._texts_of(waiting)

    def blocks(self, element: Element) -> list[Block]:
        """The blocks in a cell, a text box, a note or a header."""
        return [block for name, each in children(element) for block in self._one(name, each)]

    def _one(self, name: str, element: Element) -> Iterator[Block]:
        match name:
            case "w:p":
                yield from self._paragraph(element)
            case "w:tbl":
                yield self._tables.table(element)
            case "w:sdt":
                yield from self._control(element)
            case "mc:AlternateContent":
                branch = chosen(element)
                if branch is not None:
                    yield from self.blocks(branch)
            case "w:altChunk":
                yield from self._embedded(element)
            case "w:subDoc":
                self._context.left_out.parts += 1
            case "m:oMathPara" | "m:oMath":
                yield from self._paragraph(element)
            case _ if name in _WRAPPERS:
                yield from self.blocks(element)

    def _control(self, element: Element) -> Iterator[Block]:
        checked = check_box_of(child(element, "w:sdtPr"))
        if checked is not None:
            yield Paragraph("[x]" if checked else "[ ]")
        else:
            content = child(element, "w:sdtContent")
            yield from self.blocks(content) if content is not None else ()

    def _embedded(self, element: Element) -> Iterator[Block]:
        """A part in another format, which Word shows in place: HTML is read, the rest is a gap."""
        from pipeline.parsing import html

        reference = self._context.references.get(attribute(element, "id") or "")
        content = self._context.package.content(reference.target) if reference else None
        if content is None or not reference or not reference.target.lower().endswith(_WEB):
            self._context.left_out.parts += 1
        else:
            yield from html.blocks_of(content)

    def _paragraph(self, element: Element) -> Iterator[Block]:
        properties = child(element, "w:pPr")
        if (section := child(properties, "w:sectPr")) is not None:
            self._context.take_page_size(section)
        style = self._context.styles.paragraph(value(properties, "w:pStyle"))
        reader = RunReader(self._context, element, style, self._drawings.blocks)
        outline = value(properties, "w:outlineLvl")
        heading = style.heading if outline is None else number(outline, 9) + 1
        is_heading = heading is not None and heading < 10
        text = inline_markdown(reader.runs, emphasis=not is_heading)
        gone = not text and (has_mark(properties, "w:del") or has_mark(properties, "w:vanish"))
        label = None if gone else self._label(properties, style)
        if text:
            yield _block(text, label, heading if is_heading else None, style.caption)
        yield from reader.aside

    def _label(self, properties: Element | None, style: ParagraphStyle) -> Label | None:
        own = child(properties, "w:numPr")
        number_id = value(own, "w:numId") or style.number_id
        if number_id is None or number_id == "0":
            return None
        level = value(own, "w:ilvl")
        if level is not None:
            return self._context.numbering.label(number_id, number(level))
        tied = self._context.numbering.level_of_style(number_id, style.number_style)
        found = style.number_level if tied is None else tied
        return self._context.numbering.label(number_id, found or 0)

    def _texts_of(self, cited: list[Cited]) -> list[Block]:
        """Footnotes and endnotes as paragraphs that begin with their marks."""
        texts = []
        for each in cited:
            part, note = self._context.note(each)
            if note is None:
                continue
            with self._context.in_part(part):
                words = line_of(self.blocks(note))
            texts.append(Paragraph(f"[{each.mark}] {words}" if each.mark else words))
        return [*texts]


def _unwrapped(body: Element) -> Iterator[tuple[str, Element]]:
    """The paragraphs and tables of a body, also those within content controls."""
    for name, element in children(body):
        content = child(element, "w:sdtContent") if name == "w:sdt" else element
        is_plain = name == "w:sdt" and check_box_of(child(element, "w:sdtPr")) is None
        if content is not None and (is_plain or name in _WRAPPERS):
            yield from _unwrapped(content)
        else:
            yield name, element


def _block(text: str, label: Label | None, heading: int | None, caption: bool) -> Block:
    if heading is not None:
        numbered = f"{label.text} {text}" if label and not label.is_bullet else text
        block = heading_or_paragraph(heading, numbered)
        if isinstance(block, Heading):
            return block
    if label is None:
        return Paragraph(text, caption=caption and "\n" not in text)
    if label.is_bullet:
        return Item("-", f"{label.text[2:]} {text}".strip(), label.level)
    return Item(label.text, text, label.level)
