"""Reads page headers and footers: an effective date often stands only there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.parsing.docx.body import BodyReader
from pipeline.parsing.docx.context import Context
from pipeline.parsing.docx.names import Element, attribute, child, children, is_on, short
from pipeline.parsing.flowing.blocks import Block, Item, TableBlock

_LETTER = re.compile(r"[^\W\d]")
_PAGE_NUMBER = re.compile(
    r"\W{0,3}(?:page|p\.|seite|página|pagina|strona|side|sida)?\s?(?:\d{1,4}|[ivxl]{1,7})"
    r"(?:\s?(?:of|/|von|de|di|sur|z|av)\s?\d{1,4})?\W{0,3}",
    re.IGNORECASE,
)


def margins(context: Context, body: Element, settings: Element | None) -> tuple[str, str]:
    """The headers and the footers that a reader sees, each line once; no page numbers."""
    return (
        "\n\n".join(_lines(context, _shown(body, settings, "w:headerReference"))),
        "\n\n".join(_lines(context, _shown(body, settings, "w:footerReference"))),
    )


def _shown(body: Element, settings: Element | None, kind: str) -> Iterator[str]:
    """The ids of the headers or footers that some page has."""
    even = is_on(child(settings, "w:evenAndOddHeaders"))
    for section in body.iter():
        if not isinstance(section.tag, str) or short(section.tag) != "w:sectPr":
            continue
        first = is_on(child(section, "w:titlePg"))
        for name, each in children(section):
            page = attribute(each, "type")
            if name == kind and (first or page != "first") and (even or page != "even"):
                yield attribute(each, "id") or ""


def _lines(context: Context, ids: Iterable[str]) -> list[str]:
    lines: dict[str, None] = {}
    references = context.package.references(context.package.main)
    for each in dict.fromkeys(ids):
        part = references[each].target if each in references else ""
        root = context.package.xml(part) if part else None
        if root is not None:
            with context.in_part(part), context.in_box():
                blocks = BodyReader(context).blocks(root)
            lines.update(dict.fromkeys(filter(_says_something, _texts(blocks))))
    return list(lines)


def _texts(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, TableBlock):
            cells = (cell for row in block.rows for cell in row if cell)
            for cell in cells:
                yield from _texts(cell.blocks)
        else:
            text = f"{block.marker} {block.text}" if isinstance(block, Item) else block.text
            yield from (" ".join(line.split()) for line in text.split("\n"))


def _says_something(line: str) -> bool:
    return _LETTER.search(line) is not None and _PAGE_NUMBER.fullmatch(line) is None
