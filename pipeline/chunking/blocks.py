"""The Markdown blocks of a document, with exact offsets, in one linear pass over its lines.

This is no full Markdown parser: it knows just enough to see where a text may be cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from pipeline.documents import ParsedDocument

MAX_TITLE_CHARS = 300
MAX_GAP = 64
"""White space longer than this parts what stands before it from what stands after it."""


class BlockKind(StrEnum):
    """What a block is, which decides how it may be cut when it is too long."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    HTML = "html"


@dataclass(slots=True)
class Block:
    """A span of the canonical text that begins at a line's start.

    Attributes:
        start: offset of its first line.
        end: where the next block begins, so that blocks meet without a gap.
        level: of a heading, 1 to 6; otherwise 0.
        title: of a heading, without its marks; otherwise empty.
        lines: how many lines that hold words.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    title: str = ""
    lines: int = 1


# One match per line that is not blank; the last group to match names what the line begins with.
_LINE = re.compile(
    r"""^(?P<indent>[^\S\n]*+)
    (?: (?P<fence>`{3,}+(?![^\n]*`)|~{3,}+)
      | (?P<atx>\#{1,6}(?=[ \t]+[^\s\#]))
      | (?P<underline>(?:=+|-{3,}+)(?=[ \t]*+$))
      | (?P<row>\|)
      | (?P<item>(?:[-*+•‣◦▪]|\d{1,3}[.)])(?=[ \t]))
      | (?P<html><(?:/?(?:table|thead|tbody|tr|td|th|div|ul|ol)\b|!--))
      | (?P<text>\S)
    )[^\n]*+\n?""",
    re.MULTILINE | re.VERBOSE,
)
_DELIMITER_ROW = re.compile(r"[ \t]*+:?-+:?[ \t]*+\|[-:| \t]*+\n?")
_TITLE_MARKS = re.compile(r"\*\*|__|`|\s#+\s*\Z")

_OPENS = {
    "fence": BlockKind.CODE,
    "row": BlockKind.TABLE,
    "item": BlockKind.LIST,
    "html": BlockKind.HTML,
}


def scan(document: ParsedDocument) -> list[Block]:
    """The blocks of a document in order; every character that is not white space is in one.

    A block never crosses a page, so a fence left open on one page ends there.
    """
    blocks: list[Block] = []
    text = document.text
    starts = (*document.page_starts, len(text))
    for start, end in pairwise(starts):
        blocks.extend(_PageScanner(text, start, end).blocks())
    for block, following in pairwise(blocks):
        block.end = following.start
    return blocks


class _PageScanner:
    """Joins the lines of one page into blocks."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._start = start
        self._end = end
        self._fence = ""

    def blocks(self) -> Iterator[Block]:
        """The page's blocks in order."""
        current: Block | None = None
        for line in _LINE.finditer(self._text, self._start, self._end):
            if current is not None and self._continues(current, line):
                current.end = line.end()
                current.lines += 1
                continue
            if current is not None:
                current.end = line.start()
                yield current
            current = self._opened(line)
        if current is not None:
            current.end = self._end
            yield current

    def _continues(self, block: Block, line: re.Match[str]) -> bool:
        kind = line.lastgroup
        if block.kind is BlockKind.CODE:
            return self._continues_code(line)
        if block.kind is BlockKind.HEADING:
            return False
        # The block's end is its last line's end, so a difference is one blank line or more.
        gap = line.start() - block.end
        touching = gap == 0
        match block.kind:
            case BlockKind.LIST:
                indented = line.end("indent") > line.start()
                if not touching:
                    return gap <= MAX_GAP and (kind == "item" or indented)
                return kind in ("item", "text") or indented
            case BlockKind.TABLE:
                return touching and (kind == "row" or "|" in line.group())
            case BlockKind.HTML:
                return touching and kind != "atx"
        return touching and self._continues_paragraph(block, line)

    def _continues_code(self, line: re.Match[str]) -> bool:
        if not self._fence:
            return False
        words = line.group().strip()
        # The closing fence still belongs to the block; what follows does not.
        if words.startswith(self._fence) and not words.strip(self._fence[0]):
            self._fence = ""
        return True

    def _continues_paragraph(self, block: Block, line: re.Match[str]) -> bool:
        kind = line.lastgroup
        if kind == "underline" and block.lines == 1 and block.end - block.start < MAX_TITLE_CHARS:
            block.level = 1 if line.group("underline")[0] == "=" else 2
            block.title = _title(self._text[block.start : line.start()])
            block.kind = BlockKind.HEADING if block.title else BlockKind.PARAGRAPH
            return True
        if kind == "text" and block.lines == 1 and _DELIMITER_ROW.fullmatch(line.group()):
            block.kind = BlockKind.TABLE
            return True
        # Like CommonMark: within a paragraph only a list that begins at 1 is a list.
        numbered = kind == "item" and line.group("item")[0].isdigit()
        return kind in ("text", "underline") or (
            numbered and line.group("item")[:-1] not in ("1", "01")
        )

    def _opened(self, line: re.Match[str]) -> Block:
        group = line.lastgroup or "text"
        start, end = line.span()
        if group == "atx":
            title = _title(self._text[line.end("atx") : end])
            if title:
                return Block(BlockKind.HEADING, start, end, len(line.group("atx")), title)
        if group == "fence":
            self._fence = line.group("fence")
        return Block(_OPENS.get(group, BlockKind.PARAGRAPH), start, end)


def _title(raw: str) -> str:
    plain = _TITLE_MARKS.sub("", raw[: 2 * MAX_TITLE_CHARS])
    return " ".join(plain.split())[:MAX_TITLE_CHARS].strip()
