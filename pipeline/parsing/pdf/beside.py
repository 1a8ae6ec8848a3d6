"""Joins labels and values of two blocks beside each other, which are read across."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipeline.parsing.pdf.ink import Block, BlockKind, Word
from pipeline.parsing.pdf.lines import Line, box_of, lines_of

# Labels and values are short; columns of text are not.
_MOST_WORDS = 4.0
# Lines of one text follow each other closely; labels are set apart, in parts of their height.
_APART = 0.55


def read_across(blocks: Sequence[Block], owned: Sequence[list[Word]]) -> None:
    """Moves the words of a block of values to the block that has their labels.

    Args:
        owned: the words of each block.
    """
    texts = [
        index
        for index, block in enumerate(blocks)
        if block.kind is BlockKind.PARAGRAPH and owned[index]
    ]
    for one, other in pairwise(texts):
        left, right = sorted((one, other), key=lambda index: blocks[index].box.left)
        if blocks[left].box.right < blocks[right].box.left and _belong_together(
            lines_of(owned[left]), lines_of(owned[right])
        ):
            moved = [*owned[left], *owned[right]]
            owned[one].clear()
            owned[other][:] = moved


def _belong_together(labels: Sequence[Line], values: Sequence[Line]) -> bool:
    if len(labels) < 2 or len(labels) != len(values):
        return False
    if not all(_share_a_line(one, other) for one, other in zip(labels, values, strict=True)):
        return False
    if any(sum(map(len, part)) > _MOST_WORDS * len(part) for part in (labels, values)):
        return False
    named = sum(line[-1].text.endswith(":") for line in labels)
    return 2 * named >= len(labels) or _are_set_apart(labels)


def _share_a_line(one: Line, other: Line) -> bool:
    box, beside = box_of(one), box_of(other)
    return box.top <= (beside.top + beside.bottom) / 2 <= box.bottom


def _are_set_apart(lines: Sequence[Line]) -> bool:
    boxes = [box_of(line) for line in lines]
    return all(
        below.top - above.bottom >= _APART * (above.bottom - above.top)
        for above, below in pairwise(boxes)
    )
