"""Renders a sheet as Markdown: titles above, tables with their header, remarks below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pipeline.parsing.flowing.tables_in_markdown import MAX_CAPTION, table_markdown

Row = Sequence[str]

_AMOUNT = re.compile(
    r"\A[(<>≤≥~+\-−]*+\s*+(?:[A-Z]{0,3}[$€£¥₹]\s*+|[A-Z]{3}\s++)?[+\-−]?\d[\d.,'\s\u00a0\u202f]*+"
    r"(?:\s?(?:[%)]|[A-Z]{0,3}[$€£¥₹]|(?:[A-Z]{3}|[KkMm]{1,2})(?![A-Za-z$€£¥₹])))*"
)
_YEAR = re.compile(r"(?:19|20|21)\d\d")
_COUNT = re.compile(r"\d{1,3}")


def grid_markdown(grid: Sequence[Row]) -> str:
    """The Markdown of a grid; merged cells are repeated in it already."""
    rows = _without_empty_columns([[_clean(cell) for cell in row] for row in grid])
    parts: list[str] = []
    for block in _joined(_blocks(rows)):
        parts += _block_markdown(block)
    return "\n\n".join(part for part in parts if part)


def _clean(cell: str) -> str:
    return " ".join(cell.split())


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    kept = [column for column in range(width) if any(row[column] for row in rows)]
    return [[row[column] for column in kept] for row in rows]


def _blocks(rows: list[list[str]]) -> Iterator[list[list[str]]]:
    block: list[list[str]] = []
    for row in rows:
        if any(row):
            block.append(row)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _joined(blocks: Iterator[list[list[str]]]) -> list[list[list[str]]]:
    """Blocks with those joined that go on after an empty row, without a header of their own."""
    found: list[list[list[str]]] = []
    for block in blocks:
        if found and _is_table(found[-1]) and not _is_single(block[0]) and not _header_rows(block):
            found[-1] += block
        else:
            found.append(block)
    return found


def _said(row: Row) -> list[str]:
    return [cell for cell in row if cell]


def _is_single(row: Row) -> bool:
    """Whether a row says one thing, in one cell or merged over several."""
    return len(set(_said(row))) == 1


def _is_table(block: list[list[str]]) -> bool:
    return sum(not _is_single(row) for row in block) > 1 or (
        len(block) > 1 and any(not _is_single(row) for row in block)
    )


def _block_markdown(block: list[list[str]]) -> list[str]:
    first = next((n for n, row in enumerate(block) if not _is_single(row)), len(block))
    last = len(block)
    while last > first and _is_single(block[last - 1]):
        last -= 1
    above = [_said(row)[0] for row in block[:first]]
    below = [_said(row)[0] for row in block[last:]]
    body = [_collapsed(row) for row in _without_empty_columns(block[first:last])]
    if len(body) == 1:
        return [*above, " | ".join(_said(body[0])).replace(" | ", ": ", 1), *below]
    if not body:
        return above
    # emphasized, the line above a table is its caption
    caption = [f"**{above[-1]}**"] if above and len(above[-1]) <= MAX_CAPTION else above[-1:]
    return [*above[:-1], *caption, _table(body), *below]


def _collapsed(row: list[str]) -> list[str]:
    """A line merged over a whole row is said once."""
    if len(row) > 1 and all(row) and len(set(row)) == 1:
        return [row[0], *[""] * (len(row) - 1)]
    return row


def _table(rows: list[list[str]]) -> str:
    levels = _header_rows(rows)
    header = [_joined_names(column) for column in zip(*rows[:levels], strict=True)]
    return table_markdown(header if levels else [""] * len(rows[0]), rows[levels:])


def _joined_names(levels: tuple[str, ...]) -> str:
    return " / ".join(dict.fromkeys(level for level in levels if level))


def _header_rows(rows: list[list[str]]) -> int:
    """How many of the first rows name the columns: none, one, or two that belong together."""
    if len(rows) < 2 or not _names_columns(rows[0]):
        return 0
    repeated = any(a and a == b for a, b in zip(rows[0], rows[0][1:], strict=False))
    unfilled = any(not a and b for a, b in zip(rows[0], rows[1], strict=True))
    second = _names_columns(rows[1]) and len(rows) > 2
    numbers = any(map(_is_amount, rows[2])) if second else False
    return 2 if second and (repeated or (unfilled and numbers)) else 1


def _names_columns(row: Row) -> bool:
    said = _said(row)
    if len(said) < 2 or len(said) * 2 < len(row):
        return False
    numbers = [cell for cell in said if _is_amount(cell)]
    if not numbers:
        return True
    # years, ages or durations may name columns, after a word that says which they are
    years = all(map(_YEAR.fullmatch, numbers))
    counted = all(map(_COUNT.fullmatch, numbers)) and _rises([int(n) for n in numbers])
    return not _is_amount(said[0]) and len(numbers) > 1 and (years or counted)


def _rises(numbers: list[int]) -> bool:
    steps = {b - a for a, b in pairwise(numbers)}
    return len(steps) == 1 and steps != {0} and min(steps) > 0


def _is_amount(cell: str) -> bool:
    return len(cell) <= 40 and _AMOUNT.fullmatch(cell) is not None
