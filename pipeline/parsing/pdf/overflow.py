"""Splits words that the layout reader glued across the border between two cells."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.layout import Box
from pipeline.parsing.pdf.frame import Frame
from pipeline.parsing.pdf.glyphs import Glyph, glyphs_of
from pipeline.parsing.pdf.ink import PageInk, Word

if TYPE_CHECKING:
    from pypdfium2 import PdfTextPage

# A word that only touches a line does not run into the next cell.
_INSIDE = 1.0
# Characters of two cells stand apart, or over each other, by so many parts of their height; those
# of a word follow each other. And the second cell's text begins near its border.
_APART, _NEAR = 0.12, 2.0
_MOST_WORDS = 1_000
_MOST_RULES = 50


def crossings(ink: PageInk) -> dict[int, float]:
    """The words, by their order, that a vertical line crosses, and where it does."""
    down = sorted((rule for rule in ink.rules if not rule.horizontal), key=lambda rule: rule.at)
    places = [rule.at for rule in down]
    found: dict[int, float] = {}
    for word in ink.words if down else ():
        if word.turn or len(word.text) < 2:
            continue
        first = bisect_left(places, word.box.left + _INSIDE)
        last = min(bisect_right(places, word.box.right - _INSIDE), first + _MOST_RULES)
        y = word.middle[1]
        at = next((rule.at for rule in down[first:last] if rule.start <= y <= rule.end), None)
        if at is not None and len(found) < _MOST_WORDS:
            found[word.order] = at
    return found


def split_at_borders(ink: PageInk, layer: PdfTextPage, frame: Frame) -> bool:
    """Parts a page's words that run on into the next cell's text; whether there are any.

    Args:
        layer: the text of the same page, not rotated.
    """
    borders = crossings(ink)
    if not borders:
        return False
    whole: list[Word] = []
    for word in ink.words:
        at = borders.get(word.order)
        whole += [word] if at is None else _parts(word, at, layer, frame)
    for order, word in enumerate(whole):
        word.order = order
    parted = len(whole) > len(ink.words)
    ink.words = whole
    return parted


def _parts(word: Word, border: float, layer: PdfTextPage, frame: Frame) -> list[Word]:
    glyphs = glyphs_of(word, frame.back(word.box), layer, frame)
    if "".join(glyph.text for glyph in glyphs) != word.text:
        return [word]
    breaks = [
        index for index, (one, other) in enumerate(pairwise(glyphs), 1) if _are_parted(one, other)
    ]
    if len(breaks) != 1 or abs(glyphs[breaks[0]].box.left - border) > _NEAR * word.size:
        return [word]
    at = breaks[0]
    left, top, right, bottom = word.box
    return [
        replace(word, text=word.text[:at], box=Box(left, top, glyphs[at - 1].box.right, bottom)),
        replace(word, text=word.text[at:], box=Box(glyphs[at].box.left, top, right, bottom)),
    ]


def _are_parted(one: Glyph, other: Glyph) -> bool:
    return abs(other.box.left - one.box.right) >= _APART * max(one.height, other.height)
