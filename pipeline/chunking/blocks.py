"""Splits a document into Markdown blocks with exact offsets, in one linear pass.

This is no full Markdown parser: it knows just enough to see where a text may be cut.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from pipeline.chunking.headings import can_be_heading
from pipeline.chunking.left_out import left_out
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
    LEFT_OUT = "left out"


@dataclass(slots=True)
class Block:
    """A span of the canonical text that begins at a line's start, or beside what is left out.

    Attributes:
        start: offset of its first line.
        end: where the next block begins, so that blocks meet without a gap.
        level: of a heading, 1 to 6; otherwise 0.
        title: of a heading, without its marks; otherwise empty.
        lines: how many lines that hold words.
        page: the index of its page.
        thin: it says nothing by itself, like a page number.
        joined: it belongs in one passage with what follows, like a table's caption.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    title: str = ""
    lines: int = 1
    page: int = 0
    thin: bool = False
    joined: bool = False

    def become_text(self) -> None:
        """Takes a heading for a paragraph from now on."""
        self.kind, self.level, self.title = BlockKind.PARAGRAPH, 0, ""


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
_DELIMITER_ROW = re.compile(r"\A[ \t]*+:?-++:?[ \t]*+\|[-:| \t]*+\n?")
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
    pictures = left_out(text)
    starts = (*document.page_starts, len(text))
    for page, (start, end) in enumerate(pairwise(starts)):
        here = pictures[bisect_left(pictures, (start,)) : bisect_left(pictures, (end,))]
        blocks.extend(_PageScanner(text, page).page(start, end, here))
    for block, following in pairwise(blocks):
        block.end = following.start
    return blocks


class _PageScanner:
    """Joins the lines of one page into blocks."""

    def __init__(self, text: str, page: int) -> None:
        self._text = text
        self._page = page
        self._fence = ""

    def page(self, start: int, end: int, pictures: Sequence[tuple[int, int]]) -> Iterator[Block]:
        """The page's blocks in order, with its pictures."""
        for (first, last), (following, _) in pairwise([*pictures, (end, end)]):
            yield from self._blocks(start, first)
            yield Block(BlockKind.LEFT_OUT, first, last, page=self._page)
            # The rest of a picture's line does not begin like a line.
            line_end = self._text.find("\n", last, end) + 1 or end
            start = min(line_end, following)
            if self._text[last:start].strip():
                yield Block(BlockKind.PARAGRAPH, last, start, page=self._page)
        yield from self._blocks(start, end)

    def _blocks(self, start: int, end: int) -> Iterator[Block]:
        current: Block | None = None
        for line in _LINE.finditer(self._text, start, end):
            if current is not None and self._continues(current, line):
                current.end = line.end()
                current.lines += 1
                continue
            if current is not None:
                current.end = line.start()
                yield current
            current = self._opened(line)
        if current is not None:
            current.end = end
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
            title = _title(self._text[block.start : line.start()])
            if title and can_be_heading(title):
                block.level = 1 if line.group("underline")[0] == "=" else 2
                block.kind, block.title = BlockKind.HEADING, title
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
        if self._fence:  # it was open before a picture that is left out
            self._continues_code(line)
            return Block(BlockKind.CODE, start, end, page=self._page)
        if group == "atx":
            title = _title(self._text[line.end("atx") : end])
            if title and can_be_heading(title):
                level = len(line.group("atx"))
                return Block(BlockKind.HEADING, start, end, level, title, page=self._page)
        if group == "fence":
            self._fence = line.group("fence")
        return Block(_OPENS.get(group, BlockKind.PARAGRAPH), start, end, page=self._page)


def _title(raw: str) -> str:
    plain = _TITLE_MARKS.sub("", raw[: 2 * MAX_TITLE_CHARS])
    return " ".join(plain.split())[:MAX_TITLE_CHARS].strip()
