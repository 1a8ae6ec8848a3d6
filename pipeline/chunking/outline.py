"""Outlines a document: which headings have a reach, which blocks say nothing by themselves."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from pipeline.chunking.blocks import Block, BlockKind
from pipeline.chunking.headings import MAX_CHARS, is_continued, is_page_number, title_key
from pipeline.documents import ParsedDocument

MAX_BARE_CHARS = 160
"""Headings in a row with more characters than this are a list: contents, an index, a form."""
# A running header is printed on the page before, or on the one before that in a book.
_NEAR_PAGES = 2
_FEW_TIMES = 3
_EDGE_BLOCKS = 2
_WORD = re.compile(r"[^\W_]")
_LOOSE_END = re.compile(r"[\w,](?<![A-ZÀ-Þ]{2})\Z")
_LOOSE_WORDS = 5
_BARE_NUMBER = re.compile(r"\W{0,3}\d{1,4}\W{0,3}\Z")


def settle(document: ParsedDocument, blocks: Sequence[Block]) -> None:
    """Take for text what is marked as a heading but has no reach; mark what says nothing.

    That is: what is printed again at the edge of page after page, what goes on from the page
    before, and a long row of headings with nothing under them.
    """
    if document.paged:
        _settle_repeated(blocks)
    _mark_thin(document, blocks)
    _settle_broken(document.text, blocks)
    _settle_rows(blocks)


def _settle_repeated(blocks: Sequence[Block]) -> None:
    edges = _edges(blocks)
    pages_of: dict[str, list[int]] = defaultdict(list)
    for block in edges:
        if block.kind is BlockKind.HEADING:
            pages_of[title_key(block.title)].append(block.page)
    pages = len({block.page for block in blocks})
    for block in [each for each in edges if each.kind is BlockKind.HEADING]:
        if _runs(pages_of[title_key(block.title)], block, pages):
            block.become_text()
            block.thin = True


def _runs(on: Sequence[int], block: Block, pages: int) -> bool:
    """Whether a heading at a page's edge is printed there because it is on every page."""
    if len(on) < _FEW_TIMES:
        return False
    return 2 * len(on) > pages or any(0 < block.page - page <= _NEAR_PAGES for page in on)


def _edges(blocks: Sequence[Block]) -> list[Block]:
    """The first and the last blocks of each page."""
    by_page: dict[int, list[Block]] = defaultdict(list)
    for block in blocks:
        by_page[block.page].append(block)
    edges: list[Block] = []
    for own in by_page.values():
        first = own[:_EDGE_BLOCKS]
        edges += first + own[max(len(first), len(own) - _EDGE_BLOCKS) :]
    return edges


def _mark_thin(document: ParsedDocument, blocks: Sequence[Block]) -> None:
    furniture = {title_key(line) for page in document.pages for line in page.furniture}
    edges = {block.start for block in _edges(blocks)} if document.paged else set()
    for block in blocks:
        short = block.lines == 1 and block.end - block.start <= 2 * MAX_CHARS
        if short and block.kind in (BlockKind.PARAGRAPH, BlockKind.LIST):
            line = document.text[block.start : block.end].strip()
            block.thin |= says_nothing(line, furniture) or (
                block.start in edges and _BARE_NUMBER.match(line) is not None
            )


def says_nothing(line: str, furniture: set[str] | frozenset[str] = frozenset()) -> bool:
    """Whether a line is a page number, a rule, or one of the running lines (as `title_key`s)."""
    return (
        not _WORD.search(line)
        or is_page_number(line.lstrip("# "))
        or (bool(furniture) and title_key(line) in furniture)
    )


def _settle_broken(text: str, blocks: Sequence[Block]) -> None:
    """The first line of a sentence is no heading of the rest of it."""
    for block, following in pairwise(blocks):
        if block.kind is BlockKind.HEADING and following.kind is BlockKind.PARAGRAPH:
            begins_small = text[following.start : following.end].lstrip(" *_")[:1].islower()
            long = block.title.count(" ") + 1 >= _LOOSE_WORDS
            if begins_small and long and _LOOSE_END.search(block.title):
                block.become_text()


def _settle_rows(blocks: Sequence[Block]) -> None:
    """Of a long row of bare headings only those above what follows stay headings."""
    row: list[Block] = []
    for block in blocks:
        if block.kind is BlockKind.HEADING:
            row.append(block)
        elif not block.thin and row:
            _settle_row(row)
            row = []
    _settle_row(row)


def _settle_row(headings: Sequence[Block]) -> None:
    if sum(each.end - each.start for each in headings[:-1]) > MAX_BARE_CHARS:
        _keep_ancestors(headings)


def _keep_ancestors(headings: Sequence[Block]) -> None:
    least = 7
    for heading in reversed(headings):
        if heading.level < least:
            least = heading.level
        else:
            heading.become_text()


def is_repeated(block: Block, above: Sequence[Block], *, first_on_page: bool) -> bool:
    """Whether a heading only says again under which heading the page before stood."""
    if not (first_on_page or is_continued(block.title)):
        return False
    key = title_key(block.title)
    return any(title_key(heading.title) == key for heading in above)
