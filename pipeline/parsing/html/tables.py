"""Reads tables with cells merged across (colspan) and down (rowspan)."""

from __future__ import annotations

from collections.abc import Iterator

from bs4 import Tag

from pipeline.parsing.flowing.blocks import Cell, TableBlock
from pipeline.parsing.html.elements import attribute, has_words
from pipeline.parsing.html.lists import Reader

_MAX_SPAN = 1000
_ROLES = ("table", "grid", "treegrid")
_CELLS = ("cell", "gridcell", "columnheader", "rowheader")
_LAYOUT_ROLES = ("presentation", "none")


def is_table(element: Tag) -> bool:
    """Whether an element is a table, or calls itself one."""
    if element.name == "table":
        return True
    return (
        attribute(element, "role") in _ROLES and next(_of_role(element, ("row",)), None) is not None
    )


def table(element: Tag, reader: Reader) -> TableBlock:
    """A table with its rows in the order in which a browser shows them."""
    sections = _sections(element) if element.name == "table" else [_rows_by_role(element)]
    rows: list[list[Cell | None]] = []
    for section in sections:
        for number, cells in enumerate(section):
            rows.append([_cell(each, len(section) - number, reader) for each in cells])
    caption = element.find("caption", recursive=False)
    return TableBlock(
        rows,
        header_rows=_header_rows([cells for section in sections for cells in section]),
        caption=reader.line(caption) if isinstance(caption, Tag) else "",
        layout=attribute(element, "role") in _LAYOUT_ROLES,
    )


def _sections(element: Tag) -> list[list[list[Tag]]]:
    """The cells of each row of each section: heads first and feet last, wherever they stand."""
    parts: dict[str, list[list[list[Tag]]]] = {"thead": [], "tbody": [], "tfoot": []}
    loose: list[list[Tag]] = []
    for child in element.children:
        if not isinstance(child, Tag):
            continue
        if child.name == "tr":
            loose.append(_cells(child))
            continue
        if loose:
            parts["tbody"].append(loose)
            loose = []
        if child.name in parts:
            parts[child.name].append(_rows(child))
    parts["tbody"].append(loose)
    return [section for kind in parts.values() for section in kind]


def _rows(section: Tag) -> list[list[Tag]]:
    return [_cells(row) for row in section.find_all("tr", recursive=False)]


def _cells(row: Tag) -> list[Tag]:
    return [cell for cell in row.find_all(["td", "th"], recursive=False) if isinstance(cell, Tag)]


def _rows_by_role(element: Tag) -> list[list[Tag]]:
    return [list(_of_role(row, _CELLS)) for row in _of_role(element, ("row",))]


def _of_role(element: Tag, roles: tuple[str, ...]) -> Iterator[Tag]:
    """The elements of a role in another, but for those in a table within it."""
    for child in element.children:
        if not isinstance(child, Tag):
            continue
        if attribute(child, "role") in roles:
            yield child
        elif attribute(child, "role") not in _ROLES:
            yield from _of_role(child, roles)


def _cell(element: Tag, rows_left: int, reader: Reader) -> Cell:
    columns = _span(element, "colspan")
    rows = _span(element, "rowspan")
    return Cell(
        reader.inside(element),
        columns=max(columns, 1),
        rows=min(rows, rows_left) if rows else rows_left,  # 0: to the end of its section
        header=_is_header(element),
    )


def _span(element: Tag, name: str) -> int:
    text = (attribute(element, name) or attribute(element, f"aria-{name}")).strip()
    return min(int(text), _MAX_SPAN) if text.isdecimal() and len(text) < 10 else 1


def _is_header(element: Tag) -> bool:
    return element.name == "th" or attribute(element, "role") in ("columnheader", "rowheader")


def _header_rows(rows: list[list[Tag]]) -> int | None:
    """How many rows at the top name columns; None when nothing in the table is a heading."""
    if not any(_is_header(cell) for cells in rows for cell in cells) and not any(
        _is_in_head(cells) for cells in rows
    ):
        return None
    count = 0
    for cells in rows:
        if not _is_in_head(cells) and not _names_columns(cells):
            break
        count += 1
    return min(count, max(len(rows) - 1, 0))


def _is_in_head(cells: list[Tag]) -> bool:
    return bool(cells) and any(above.name == "thead" for above in _two_above(cells[0]))


def _two_above(cell: Tag) -> Iterator[Tag]:
    if cell.parent is not None:
        yield cell.parent
        if cell.parent.parent is not None:
            yield cell.parent.parent


def _names_columns(cells: list[Tag]) -> bool:
    speaking = [cell for cell in cells if has_words(cell)]
    return bool(speaking) and all(
        _is_header(cell) and attribute(cell, "scope") not in ("row", "rowgroup")
        for cell in speaking
    )
