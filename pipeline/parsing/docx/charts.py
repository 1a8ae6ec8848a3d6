"""Reads charts as the tables of numbers that they draw."""

from __future__ import annotations

from pipeline.parsing.docx.names import Element, attribute, child, children, number, short
from pipeline.parsing.flowing.blocks import Block, Cell, Paragraph, TableBlock

_MAX_POINTS = 5000


def chart(root: Element) -> list[Block]:
    """A chart's title and its numbers, a column for each series; nothing when it has none."""
    series = _all(root, "c:ser")
    values = [_points(_first(each, "c:val", "c:yVal")) for each in series]
    if not any(values):
        return []
    places = sorted({place for each in values for place in each})[:_MAX_POINTS]
    names = [" ".join(_points(child(each, "c:tx")).values()) for each in series]
    labels = _points(_first(series[0], "c:cat", "c:xVal"))
    rows = [["", *names]]
    rows += [[labels.get(at, ""), *(each.get(at, "") for each in values)] for at in places]
    cells: list[list[Cell | None]] = [[Cell([Paragraph(text)]) for text in row] for row in rows]
    return [TableBlock(cells, header_rows=1, caption=_title(root))]


def _title(root: Element) -> str:
    title = child(root, "c:chart", "c:title")
    texts = (each.text or "" for each in _all(title, "a:t")) if title is not None else ()
    return " ".join("".join(texts).split())


def _first(element: Element, *names: str) -> Element | None:
    return next((each for name, each in children(element) if name in names), None)


def _points(element: Element | None) -> dict[int, str]:
    """The values that a series keeps of its cells, by their places."""
    found: dict[int, str] = {}
    for point in _all(element, "c:pt") if element is not None else ():
        text = "".join(each.text or "" for name, each in children(point) if name == "c:v")
        found[number(attribute(point, "idx"))] = _tidy(text)
    return found


def _tidy(text: str) -> str:
    """A number without the digits that only binary fractions have."""
    try:
        value = float(text)
    except ValueError:
        return text
    return f"{value:.10g}" if "." in text and abs(value) < 1e10 else text


def _all(element: Element, name: str) -> list[Element]:
    return [
        each for each in element.iter() if isinstance(each.tag, str) and short(each.tag) == name
    ]
