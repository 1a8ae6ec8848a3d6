"""Reads the shapes of a slide: paragraphs, lists and tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.parsing.flowing.tables_in_markdown import table_markdown

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MUCH = 0.15
# The usual slide, 10 by 7.5 inches, in English Metric Units.
_SLIDE_AREA = 9_144_000 * 6_858_000


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def shapes(root: Element) -> Iterator[tuple[str, Element]]:
    """The shapes of a slide in their order, groups opened, each with its placeholder's kind."""
    for element in root:
        kind = local(element)
        if kind in ("sp", "graphicFrame", "cxnSp"):
            if not _is_hidden(element):
                yield _placeholder(element), element
        elif kind == "AlternateContent":
            yield from shapes(element[0]) if len(element) else ()
        elif kind in ("cSld", "spTree", "grpSp") and not _is_hidden(element):
            yield from shapes(element)


def _is_hidden(element: Element) -> bool:
    first = element[0] if len(element) else None
    return first is not None and any(
        local(each) == "cNvPr" and each.get("hidden") in ("1", "true") for each in first
    )


def _placeholder(element: Element) -> str:
    found = next((each for each in element.iter() if local(each) == "ph"), None)
    return "" if found is None else found.get("type", "body" if found.get("idx") else "")


def covers_much(root: Element) -> bool:
    """Whether a picture covers a good part of a slide."""
    for picture in root.iter():
        if local(picture) != "pic":
            continue
        size = next(
            (each for each in picture.iter() if local(each) == "ext" and each.get("cx")), None
        )
        if size is not None:
            area = int(size.get("cx") or 0) * int(size.get("cy") or 0)
            if area >= _MUCH * _SLIDE_AREA:
                return True
    return False


def shape_text(shape: Element) -> str:
    """The Markdown of a shape."""
    table = next((each for each in shape.iter() if local(each) == "tbl"), None)
    if table is not None:
        return _table(table)
    body = next((each for each in shape.iter() if local(each) == "txBody"), None)
    return _paragraphs(body) if body is not None else ""


def _paragraphs(body: Element) -> str:
    lines = []
    for paragraph in (each for each in body if local(each) == "p"):
        text = _line(paragraph)
        if text:
            level = next((each for each in paragraph if local(each) == "pPr"), None)
            depth = int(level.get("lvl", "0")) if level is not None else 0
            bullet = level is not None and any(local(each) in _BULLETS for each in level)
            lines.append(f"{'  ' * depth}- {text}" if depth or bullet else text)
    return "\n".join(lines)


_BULLETS = ("buChar", "buAutoNum", "buBlip")


def _line(paragraph: Element) -> str:
    parts = []
    for run in paragraph.iter():
        kind = local(run)
        if kind == "t":
            parts.append(run.text or "")
        elif kind in ("br", "tab"):
            parts.append(" ")
    return " ".join("".join(parts).split())


def _table(table: Element) -> str:
    rows: list[list[str]] = []
    for row in (each for each in table if local(each) == "tr"):
        cells: list[str] = []
        for cell in (each for each in row if local(each) == "tc"):
            if cell.get("vMerge") in ("1", "true") and rows:
                column = len(cells)
                cells.append(rows[-1][column] if column < len(rows[-1]) else "")
            elif cell.get("hMerge") in ("1", "true"):
                cells.append(cells[-1] if cells else "")
            else:
                cells.append(" ".join(_cell(cell).split()))
        rows.append(cells)
    return table_markdown(rows[0], rows[1:]) if rows else ""


def _cell(cell: Element) -> str:
    return " ".join(_line(each) for each in cell.iter() if local(each) == "p")
