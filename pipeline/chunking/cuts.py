"""Cuts a block that is too long: ever finer, from sentences to characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import IntEnum

from pipeline.chunking.blocks import BlockKind


class Grain(IntEnum):
    """How fine a piece is; a piece that is still too long is cut at the next grain."""

    BLOCK = 0
    PART = 1
    LINE = 2
    WORD = 3
    RUN = 4


# A space before a word stays with the word, and newlines with what they end: at such places the
# counts of a byte-pair tokenizer add up.
_SENTENCE = re.compile(
    r"""(?: [.!?…][)\]"'”’»*_]*+ (?<!\b[A-Z]\.)(?<!\b(?:No|Mr|Ms|Dr|St|vs|eg|ie)\.)
            (?<!\b(?:Mrs|e\.g|i\.e|Inc|Art|Sec)\.)
            (?: \s*+(?<=\n) (?=[^a-z]) | [ \t]*? (?=[ ][^\s a-z]) )
      | [。！？．][”」』）]*+\s*+ )""",
    re.VERBOSE,
)
_LINE_END = re.compile(r"\n++")
_ROW_END = re.compile(r"</tr>\s*+|\n++", re.IGNORECASE)
_ITEM_START = re.compile(r"^[^\S\n]*+(?:[-*+•‣◦▪]|\d{1,3}[.)])[ \t]", re.MULTILINE)
_DELIMITER_ROW = re.compile(r"(?<![-:| \t])[ \t]*+\|?[ \t]*+:?-[-:| \t]*+\n")
_ADDITIVE = re.compile(r"(?<=\n)[^\S\n]{0,64}+\S|(?<=[^\s▁]) \S")
# Characters that belong to the one before them: joiners, variation selectors, skin tones.
_JOINED = re.compile("[\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")


def cut(
    text: str, start: int, end: int, kind: BlockKind, grain: Grain, step: int
) -> list[tuple[int, int]]:
    """Cut ``text[start:end]`` into pieces of a grain; the pieces meet without a gap.

    Args:
        step: about how many characters a piece of words has, and four times as many as a piece of
            bare characters.
    """
    edges = [start]
    for edge in _edges(text, start, end, kind, grain, step):
        if edges[-1] < edge < end:
            edges.append(edge)
    return list(zip(edges, [*edges[1:], end], strict=True))


def is_additive(text: str, offset: int) -> bool:
    """Whether token counts before and after `offset` add up to the count of the whole."""
    return _ADDITIVE.match(text, offset) is not None


def _edges(
    text: str, start: int, end: int, kind: BlockKind, grain: Grain, step: int
) -> Iterator[int]:
    match grain:
        case Grain.PART:
            return _parts(text, start, end, kind)
        case Grain.LINE:
            return _ends(_LINE_END, text, start, end)
        case Grain.WORD:
            return _words(text, start, end, step)
    return _runs(text, start, end, max(1, step // 4))


def _ends(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[int]:
    return (found.end() for found in pattern.finditer(text, start, end))


def _parts(text: str, start: int, end: int, kind: BlockKind) -> Iterator[int]:
    match kind:
        case BlockKind.PARAGRAPH:
            return _ends(_SENTENCE, text, start, end)
        case BlockKind.LIST:
            return (found.start() for found in _ITEM_START.finditer(text, start, end))
        case BlockKind.TABLE:
            return _rows(text, start, end)
        case BlockKind.HTML:
            return _ends(_ROW_END, text, start, end)
        case BlockKind.CODE:
            return _ends(_LINE_END, text, start, end)
    return iter(())


def _rows(text: str, start: int, end: int) -> Iterator[int]:
    for edge in _ends(_LINE_END, text, start, end):
        # The header row and the line under it stay with the first row.
        if _DELIMITER_ROW.match(text, edge, end) or _DELIMITER_ROW.fullmatch(
            text, max(start, text.rfind("\n", start, edge - 1) + 1), edge
        ):
            continue
        yield edge


def _words(text: str, start: int, end: int, step: int) -> Iterator[int]:
    for edge in _ends(re.compile(rf"[\s\S]{{{step}}}\S*+\s*+"), text, start, end):
        yield edge - 1 if text[edge - 1] == " " else edge


def _runs(text: str, start: int, end: int, step: int) -> Iterator[int]:
    edge = start + step
    while edge < end:
        yield _before_joined(text, edge, step)
        edge += step


def _before_joined(text: str, edge: int, step: int) -> int:
    """The nearest place at or before `edge` that parts no letter from its marks, if one is near."""
    for place in range(edge, max(edge - min(step, 8), 0), -1):
        here, before = text[place], text[place - 1]
        if not (unicodedata.combining(here) or _JOINED.match(here) or before == "\u200d"):
            return place
    return edge
