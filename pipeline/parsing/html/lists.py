"""Reads lists and definitions of a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from bs4 import Tag

from pipeline.parsing.docx.number_formats import written
from pipeline.parsing.flowing.blocks import Block, Heading, Item, Paragraph
from pipeline.parsing.html.elements import attribute

_FORMATS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}


class Reader(Protocol):
    """What reads the elements within a list or a table."""

    def inside(self, element: Tag) -> list[Block]:
        """The blocks in an element of their own."""

    def line(self, element: Tag) -> str:
        """An element's text on one line."""


def list_items(element: Tag, reader: Reader) -> list[Block]:
    """The items of a list; those of lists within it are one level deeper."""
    found: list[Block] = []
    number = _whole(attribute(element, "start"), 1)
    for child in element.children:
        if not isinstance(child, Tag):
            continue
        if child.name != "li":
            inside = reader.inside(child)
            found += _deeper(inside) if child.name in ("ul", "ol") else inside
            continue
        number = _whole(attribute(child, "value"), number)
        marker = _marker(element, number)
        found += _item(marker, reader.inside(child))
        number += 1
    return found


def _marker(element: Tag, number: int) -> str:
    if element.name != "ol":
        return "-"
    return f"{written(number, _FORMATS.get(attribute(element, 'type'), 'decimal'))}."


def _item(marker: str, blocks: list[Block]) -> list[Block]:
    """An item from what stands in it: its paragraphs are its lines, up to the first other block."""
    lines: list[str] = []
    rest = list(blocks)
    while rest and isinstance(rest[0], Paragraph):
        lines.append(rest.pop(0).text)  # type: ignore[union-attr]  # a paragraph, by the line above
    if lines:
        return [Item(marker, "\n".join(lines)), *_deeper(rest)]
    if rest and isinstance(rest[0], Heading) and marker != "-":
        rest[0] = replace(rest[0], text=f"{marker} {rest[0].text}")
    return rest if rest and isinstance(rest[0], Heading) else _deeper(rest)


def _deeper(blocks: list[Block]) -> list[Block]:
    return [replace(b, level=b.level + 1) if isinstance(b, Item) else b for b in blocks]


def _whole(text: str, default: int) -> int:
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 10 else default


def definitions(element: Tag, reader: Reader) -> list[Block]:
    """The terms of a list with what they mean, each on a line: ``Copay: what you pay``."""
    found: list[Block] = []
    terms: list[str] = []
    for child in _parts(element):
        if child.name == "dt":
            terms.append(reader.line(child))
            continue
        found += _defined(" / ".join(filter(None, terms)), reader.inside(child))
        terms = []
    return found + [Paragraph(term) for term in terms if term]


def _parts(element: Tag) -> Iterator[Tag]:
    for child in element.children:
        if isinstance(child, Tag) and child.name in ("dt", "dd"):
            yield child
        elif isinstance(child, Tag):
            yield from _parts(child)


def _defined(term: str, blocks: list[Block]) -> list[Block]:
    if not term:
        return blocks
    first = blocks[0] if blocks else None
    if isinstance(first, Paragraph):
        joint = " " if term.endswith((":", "?", "!", ".")) else ": "
        return [Paragraph(f"{term}{joint}{first.text}"), *blocks[1:]]
    return [Paragraph(term), *blocks]
