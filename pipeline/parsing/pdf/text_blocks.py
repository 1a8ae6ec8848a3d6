"""Cuts blocks that run over both columns of a page at the gutter between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.parsing.pdf.ink import Block, BlockKind, Word, around
from pipeline.parsing.pdf.items import is_mark_only
from pipeline.parsing.pdf.lines import box_of, lines_of
from pipeline.parsing.pdf.text_columns import crosses, page_gutter, sides

# So many of a block's lines at most run across the gutter of its page.
_MOST_CROSSING = 0.34

Part = tuple[Block, list[Word]]


def cut_at_gutter(
    blocks: Sequence[Block],
    owned: Sequence[list[Word]],
    is_table: Callable[[Block, list[Word]], bool],
) -> list[list[Part]]:
    """For each block its parts: one, or what stands left of the page's gutter and right of it.

    Args:
        owned: the words of each block.
        is_table: whether a block is a table, which may stand over both columns.
    """
    whole = [[(block, words)] for block, words in zip(blocks, owned, strict=True)]
    gutter = page_gutter([word for words in owned for word in words])
    if gutter is None:
        return whole
    parts = [
        _cut(block, words, gutter) if words and not is_table(block, words) else [(block, words)]
        for block, words in zip(blocks, owned, strict=True)
    ]
    _bring_marks_home([part for each in parts for part in each], gutter)
    return parts


def _cut(block: Block, words: list[Word], gutter: float) -> list[Part]:
    lines = lines_of(words)
    if sum(crosses(line, gutter) for line in lines) > _MOST_CROSSING * len(lines):
        return [(block, words)]
    left = [word for line in lines for word in sides(line, gutter)[0]]
    right = [word for line in lines for word in sides(line, gutter)[1]]
    if not left or not right:
        return [(block, words)]
    kind = BlockKind.PARAGRAPH if block.kind is BlockKind.TABLE else block.kind
    return [(replace(block, kind=kind, box=box_of(part), cells=()), part) for part in (left, right)]


def _bring_marks_home(parts: Sequence[Part], gutter: float) -> None:
    """Moves the marks of items that make a part of their own to the part with the items' texts."""
    for block, words in parts:
        if not words or not all(
            len(line) == 1 and is_mark_only(line[0]) for line in lines_of(words)
        ):
            continue
        box = around(word.box for word in words)
        for other, texts in parts:
            if other is block or not texts or texts is words:
                continue
            beside = (box.left < gutter) == (other.box.left < gutter)
            down = min(box.bottom, other.box.bottom) - max(box.top, other.box.top)
            if beside and 2 * down >= min(box.bottom - box.top, other.box.bottom - other.box.top):
                texts += words
                words.clear()
                break
