"""Turns rotated pages into the one frame in which the layout reader reads right.

The layout reader takes the unrotated page's size for the rotated page's and cuts off what lies
outside it. So every page's rotation is taken away first; pages whose text then stands sideways are
read once more, turned. Programs that rotate pages also forget to swap their width and height: then
text lies outside the page, and the page is made as large as its text.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MARGIN = 4.0


class Unrotated(NamedTuple):
    """A PDF whose pages are as they were drawn, and which of them were made larger."""

    content: bytes
    widened: frozenset[int] = frozenset()


def without_rotation(content: bytes, rotations: Mapping[int, int]) -> Unrotated:
    """The same PDF with its pages as they were drawn, and as large as their text.

    Args:
        rotations: the clockwise degrees by which pages are shown rotated, by page.
    """
    from pypdfium2 import PdfDocument

    if not rotations:
        return Unrotated(content)
    widened: set[int] = set()
    with closing(PdfDocument(content)) as document:
        for number in rotations:
            with closing(document[number - 1]) as page:
                page.set_rotation(0)
                if _widen(page):
                    widened.add(number)
        buffer = io.BytesIO()
        document.save(buffer)
    return Unrotated(buffer.getvalue(), frozenset(widened))


def _widen(page: PdfPage) -> bool:
    """Make a page as large as its text; whether it was not."""
    left, bottom, right, top = page.get_cropbox()
    with closing(page.get_textpage()) as layer:
        boxes = [layer.get_rect(index) for index in range(layer.count_rects())]
    outside = [
        box for box in boxes if box[0] < left or box[1] < bottom or box[2] > right or box[3] > top
    ]
    if not outside:
        return False
    lefts, bottoms, rights, tops = zip(*outside, strict=True)
    wide = (
        min(left, *lefts) - _MARGIN,
        min(bottom, *bottoms) - _MARGIN,
        max(right, *rights) + _MARGIN,
        max(top, *tops) + _MARGIN,
    )
    page.set_mediabox(*wide)
    page.set_cropbox(*wide)
    return True
