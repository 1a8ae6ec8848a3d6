"""Superscripts inside a word: ``$250`` and its footnote ``1``, which a reader sees apart."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from pipeline.parsing.pdf.ink import PageInk, Word, holds

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

# A word with a raised character is so much higher than the words of its size usually are.
_HIGHER = 1.12
# A raised character's foot stands so far above the line, and it is so much smaller, in parts of
# the height of the word's other characters.
_RAISED, _SMALLER = 0.2, 0.92
_MAX_MARK = 5
_MOST_CHARACTERS = 60_000
# Characters are looked up by rows of so many points.
_ROW = 20.0


class _Character(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float
    text: str


def suspects(ink: PageInk) -> list[Word]:
    """The words that are higher than words of their size are, as a raised character makes them."""
    words = [word for word in ink.words if word.size > 0]
    if not words or ink.turn:
        return []
    ratios = [(word.box.bottom - word.box.top) / word.size for word in words]
    usual = Counter(round(ratio, 1) for ratio in ratios).most_common(1)[0][0]
    return [
        word
        for word, ratio in zip(words, ratios, strict=True)
        if ratio > _HIGHER * usual
        and len(word.text) > 1
        and (word.text[-1].isalnum() or word.text[0].isalnum())
    ]


def split_marks(glued: Sequence[Word], page: PdfPage) -> None:
    """Parts superscripts from the words that the layout reader glued them to.

    Args:
        glued: the suspects of the page.
        page: the same page, unrotated.
    """
    if not glued:
        return
    rows: dict[int, list[_Character]] = {}
    for one in _characters(page):
        rows.setdefault(round((one.top + one.bottom) / 2 / _ROW), []).append(one)
    for word in glued:
        first, last = round(word.box.top / _ROW) - 1, round(word.box.bottom / _ROW) + 1
        near = [one for row in range(first, last + 1) for one in rows.get(row, ())]
        inside = sorted(
            one
            for one in near
            if holds(word.box, (one.left + one.right) / 2, (one.top + one.bottom) / 2, 0.5)
        )
        if "".join(one.text for one in inside) == word.text:
            _split(word, inside)


def _characters(page: PdfPage) -> list[_Character]:
    from pypdfium2 import raw

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    found: list[_Character] = []
    x, _, _, y = page.get_cropbox()
    with closing(page.get_textpage()) as layer:
        for index in range(min(layer.count_chars(), _MOST_CHARACTERS)):
            code = raw.FPDFText_GetUnicode(layer, index)
            if code <= 32 or not raw.FPDFText_GetCharBox(layer, index, left, right, bottom, top):
                continue
            found.append(
                _Character(
                    left.value - x, y - top.value, right.value - x, y - bottom.value, chr(code)
                )
            )
    return found


def _split(word: Word, characters: Sequence[_Character]) -> None:
    """Take the raised characters at a word's end, or at its beginning, off it."""
    tallest = max(one.bottom - one.top for one in characters)
    standing = [
        one.bottom
        for one in characters
        if one.text.isalnum() and one.bottom - one.top >= 0.6 * tallest
    ]
    foot = max(standing or [one.bottom for one in characters])
    raised = [
        one.text.isalnum()
        and foot - one.bottom >= _RAISED * tallest
        and one.bottom - one.top <= _SMALLER * tallest
        for one in characters
    ]
    count = len(raised)
    tail = next((n for n in range(count) if not raised[count - 1 - n]), count)
    head = next((n for n in range(count) if not raised[n]), count)
    if 0 < tail < count and tail <= _MAX_MARK:
        word.mark, word.text = word.text[count - tail :], word.text[: count - tail]
    elif 0 < head < count and head <= _MAX_MARK:
        word.text = f"[{word.text[:head]}] {word.text[head:]}"
