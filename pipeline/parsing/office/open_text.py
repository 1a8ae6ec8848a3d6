"""Reads an OpenDocument body: headings, paragraphs, lists, tables, notes, text boxes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.parsing.flowing.tables_in_markdown import table_markdown
from pipeline.parsing.office.slide_text import local

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MAX_REPEATED = 1_000
_UNSEEN = (
    "annotation", "annotation-end", "tracked-changes", "hidden-text", "hidden-paragraph", "forms",
    "sequence-decls", "variable-decls", "note-citation",
)  # fmt: skip


def attribute(element: Element, name: str) -> str:
    """An attribute by its name without namespace."""
    return next((v for key, v in element.attrib.items() if key.rpartition("}")[2] == name), "")


class OpenText:
    """Reads blocks; `hidden` tells whether something that is not shown was left out."""

    def __init__(self, styles: Element) -> None:
        self.hidden = False
        self._unseen_styles = {
            attribute(style, "name")
            for style in styles.iter()
            if local(style) == "style"
            and any(attribute(each, "display") == "none" for each in style)
        }

    def blocks(self, parent: Element) -> str:
        """The Markdown of all that stands in an element."""
        return "\n\n".join(block for block in self._blocks(parent) if block.strip())

    def _blocks(self, parent: Element) -> Iterator[str]:
        for element in parent:
            kind = local(element)
            if kind == "h":
                level = min(6, int(attribute(element, "outline-level") or 1))
                yield f"{'#' * level} {self.line(element)}" if self.line(element) else ""
            elif kind == "p":
                yield self.line(element)
                yield from self._boxes(element)
            elif kind == "list":
                yield "\n".join(self._items(element, 0))
            elif kind == "table":
                yield self._table(element)
            elif kind == "frame" and attribute(element, "class") == "title":
                yield f"# {' '.join(self.blocks(element).split())}"
            elif kind == "notes":
                said = self.blocks(element)
                yield f"Speaker's notes:\n\n{said}" if said else ""
            elif kind not in _UNSEEN:
                yield from self._blocks(element)

    def _boxes(self, paragraph: Element) -> Iterator[str]:
        for element in paragraph.iter():
            if local(element) == "text-box":
                yield self.blocks(element)
            elif local(element) == "note-body":
                yield f"Note: {' '.join(self.blocks(element).split())}"

    def line(self, element: Element) -> str:
        """The text of a paragraph."""
        return " ".join("".join(self._words(element)).split())

    def _words(self, element: Element) -> Iterator[str]:
        if attribute(element, "style-name") in self._unseen_styles:
            self.hidden = True
            return
        yield element.text or ""
        for child in element:
            kind = local(child)
            if kind in ("s", "tab", "line-break"):
                yield " "
            elif kind == "note":
                mark = next((e.text for e in child if local(e) == "note-citation"), "")
                yield f" [{mark}]" if mark else ""
            elif kind in _UNSEEN:
                self.hidden = self.hidden or kind.startswith("hidden")
            elif kind not in ("frame", "text-box"):
                yield from self._words(child)
            yield child.tail or ""

    def _items(self, element: Element, depth: int) -> Iterator[str]:
        for item in (each for each in element if local(each) in ("list-item", "list-header")):
            lines = []
            for each in item:
                if local(each) == "list":
                    lines += list(self._items(each, depth + 1))
                elif text := self.line(each):
                    lines.append(f"{'  ' * depth}- {text}")
            yield from lines

    def _table(self, table: Element) -> str:
        rows = list(self._rows(table))
        return table_markdown(rows[0], rows[1:]) if rows else ""

    def _rows(self, table: Element) -> Iterator[list[str]]:
        spans: dict[int, tuple[int, str]] = {}
        for row in table_rows(table):
            cells: list[str] = []
            for cell in row:
                kind = local(cell)
                if kind not in ("table-cell", "covered-table-cell"):
                    continue
                for _ in range(repeated(cell, "number-columns-repeated")):
                    cells.append(self.cell(cell, kind, cells, spans))
            yield cells

    def cell(
        self, cell: Element, kind: str, before: list[str], spans: dict[int, tuple[int, str]]
    ) -> str:
        """The text of a table's cell; one that is covered says what covers it."""
        column = len(before)
        if kind == "covered-table-cell":
            left, value = spans.get(column, (0, ""))
            if left > 0:
                spans[column] = (left - 1, value)
                return value
            return before[-1] if before else ""
        text = " ".join(self.blocks(cell).split())
        down = repeated(cell, "number-rows-spanned") - 1
        for covered in range(column, column + repeated(cell, "number-columns-spanned")):
            spans[covered] = (down, text)
        return text


def table_rows(table: Element) -> Iterator[Element]:
    """The rows of a table, also those in groups and headers."""
    for element in table:
        kind = local(element)
        if kind == "table-row":
            yield element
        elif kind in ("table-header-rows", "table-rows", "table-row-group"):
            yield from table_rows(element)


def repeated(element: Element, name: str) -> int:
    """How often an element stands for itself."""
    count = attribute(element, name)
    return min(int(count), _MAX_REPEATED) if count.isdigit() and int(count) else 1
