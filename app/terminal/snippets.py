"""Cuts search snippets: the part of a chunk worth showing, with the question's words marked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.highlights import highlights, hits
from pipeline.sources import printable

if TYPE_CHECKING:
    from rich.text import Text

_RULE = re.compile(r"^[\s|:\-=_*]+$")
_HEADING = re.compile(r"#{1,6}\s")
_ITEM = re.compile(r"\A(?:[-*+]|\d++[.)])\s")
_MARKS = re.compile(r"\*\*|__|`|\\(?=[^\w\s])")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def snippet(text: str, words: frozenset[str], limit: int, language: str = "") -> str:
    """At most about `limit` characters around the densest place; whole sentences and lines.

    Markdown's marks for headings, tables and emphasis are taken off; an ellipsis stands where
    text was left out.
    """
    pieces = [piece for line in text.split("\n") for piece in _pieces(line) if piece.strip()]
    if not pieces:
        return " ".join(text.replace("#", " ").split())[:limit]
    found = [hits(piece, words, language) for piece in pieces]
    first, last = _densest([len(piece) for piece in pieces], found, limit)
    shown = _joined(pieces[first:last])
    if len(shown) > limit * 2:
        shown = shown[: limit * 2].rsplit(" ", 1)[0] + " …"
    return ("… " if first else "") + shown + (" …" if last < len(pieces) else "")


def _pieces(line: str) -> list[str]:
    line = line.strip()
    # Headings are printed above the passage.
    if not line or _RULE.match(line) or _HEADING.match(line):
        return []
    if line.startswith("|"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        return ["\n" + " · ".join(_plain(cell) for cell in cells if cell)]
    if _ITEM.match(line):
        return ["\n" + _plain(line)]
    return [_plain(piece) for piece in _SENTENCE_END.split(line) if piece]


def _plain(markdown: str) -> str:
    return _MARKS.sub("", markdown)


def _joined(pieces: list[str]) -> str:
    return " ".join(pieces).replace(" \n", "\n").strip()


def _densest(sizes: list[int], hits: list[frozenset[str]], limit: int) -> tuple[int, int]:
    """The window [first, last) that fits and holds most different words, the earliest of equals."""
    best, span = -1.0, (0, 1)
    for first in range(len(sizes)):
        size, found, last = 0, frozenset[str](), first
        while last < len(sizes) and (last == first or size + sizes[last] <= limit):
            size, found, last = size + sizes[last], found | hits[last], last + 1
        score = len(found) + min(size / limit, 1) / 2
        if score > best:
            best, span = score, (first, last)
    return span


def highlighted(shown: str, words: frozenset[str], language: str = "") -> Text:
    """The snippet with the question's words in bold, safe to print."""
    from rich.text import Text

    lines = "\n".join(printable(line, limit=10_000) for line in shown.split("\n"))
    made = Text(lines)
    for span in highlights(lines, words, language):
        made.stylize("bold yellow", *span)
    return made
