"""Tables as Markdown: writes them, and finds their structure in a text again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.layout import Table

MAX_CAPTION = 200
"""A longer line above a table is a paragraph, not its caption."""

_BORDER = re.compile(r"(?<!\\)\|")
_RULE_CELL = re.compile(r":?-+:?")
_FENCE = re.compile(r"[ \t]{0,3}(```|~~~)")
_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
# "Table 3: …", "Schedule A – …", or a whole line in bold or italics.
_NAMED = re.compile(
    r"[*_]{0,3}(?:table|schedule|exhibit|figure|tabelle|tableau|tabla|tabela|tabella)"
    r"\s+(?:[\divx]+|[a-z])(?![a-z])",
    re.IGNORECASE,
)
_EMPHASIZED = re.compile(r"(\*\*|__|\*|_)(?=\S)[^\n]{1,200}(?<=\S)\1")


class _Line(NamedTuple):
    start: int
    text: str


def table_markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Writes a table as Markdown, each row on one line and as wide as the widest.

    A table without a header gets a blank one, since Markdown knows no other.
    """
    width = max((len(row) for row in (header, *rows)), default=0)
    if not width:
        return ""
    rule = "| " + " | ".join(["---"] * width) + " |"
    return "\n".join((_row(header, width), rule, *(_row(row, width) for row in rows)))


def _row(cells: Sequence[str], width: int) -> str:
    padded = (*cells, *[""] * (width - len(cells)))
    return "| " + " | ".join(" ".join(c.split()).replace("|", "\\|") for c in padded) + " |"


def tables_of(text: str) -> tuple[Table, ...]:
    """Finds the tables in a Markdown text; their offsets are into this text."""
    if "|" not in text:
        return ()
    lines = _lines(text)
    tables, at = [], 0
    while at < len(lines):
        end = _end_of_table(lines, at)
        if end > at:
            tables.append(_table(lines, at, end))
        at = max(end, at + 1)
    return tuple(tables)


def cells_of(line: str) -> tuple[str, ...]:
    """The cells of a row of a Markdown table, their bars no longer escaped."""
    line = line.strip().removeprefix("|")
    cells = _BORDER.split(line)
    if len(cells) > 1 and not cells[-1].strip():
        cells.pop()
    return tuple(_BREAK.sub(" ", cell).replace("\\|", "|").strip() for cell in cells)


def _lines(text: str) -> list[_Line]:
    """The lines with their offsets; those inside fenced code are blanked."""
    found, offset, fence = [], 0, ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        inside = bool(fence)
        if mark and (not fence or fence == mark[1]):
            fence = "" if fence else mark[1]
            inside = True
        found.append(_Line(offset, "" if inside else line))
        offset += len(line) + 1
    return found


def _end_of_table(lines: list[_Line], at: int) -> int:
    """The line after the table that begins at a line, or that line itself when none does."""
    if not _BORDER.search(lines[at].text):
        return at
    ruled = at + 1 < len(lines) and _is_rule(lines[at + 1].text)
    if ruled and len(cells_of(lines[at].text)) != len(cells_of(lines[at + 1].text)):
        return at
    end = at + (2 if ruled else 0)
    is_row = _has_border if ruled else _is_framed
    while end < len(lines) and is_row(lines[end].text):
        end += 1
    return end if ruled or end - at > 1 else at


def _has_border(line: str) -> bool:
    return _BORDER.search(line) is not None


def _is_framed(line: str) -> bool:
    stripped = line.strip()
    return len(stripped) > 2 and stripped[0] == "|" == stripped[-1] and not _is_rule(line)


def _is_rule(line: str) -> bool:
    return "|" in line and all(_RULE_CELL.fullmatch(cell) for cell in cells_of(line))


def _table(lines: list[_Line], at: int, end: int) -> Table:
    ruled = at + 1 < end and _is_rule(lines[at + 1].text)
    header = cells_of(lines[at].text) if ruled else ()
    rows = [cells_of(line.text) for line in lines[at + 2 * ruled : end]]
    width = max(map(len, (header, *rows)))
    last = lines[end - 1]
    return Table(
        start=lines[at].start,
        end=last.start + len(last.text),
        header=tuple(_padded(header, width)) if any(header) else (),
        rows=tuple(tuple(_padded(row, width)) for row in rows),
        caption=_caption(lines, at),
    )


def _padded(cells: tuple[str, ...], width: int) -> Iterator[str]:
    yield from cells
    yield from [""] * (width - len(cells))


def _caption(lines: list[_Line], at: int) -> str:
    above = [line.text.strip() for line in lines[max(at - 2, 0) : at] if line.text.strip()]
    line = above[-1] if above else ""
    if len(line) > MAX_CAPTION or _has_border(line):
        return ""
    if _NAMED.match(line) or _EMPHASIZED.fullmatch(line):
        return line.strip("*_ ")
    return ""
