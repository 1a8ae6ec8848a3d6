"""Reads a word's characters from PDFium, each with its place."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from pipeline.layout import Box
from pipeline.parsing.pdf.frame import Frame
from pipeline.parsing.pdf.ink import Word, holds

if TYPE_CHECKING:
    from pypdfium2 import PdfTextPage

_LONGEST_WORD = 200
_WHITE_SPACE = 32

Run = tuple[float, float, float, float]
"""Left, bottom, right and top of a piece of text in PDFium's coordinates."""


class Glyph(NamedTuple):
    """A character with the box of its font around it, and the line on which it stands."""

    text: str
    box: Box
    foot: float

    @property
    def height(self) -> float:
        """How high its box is."""
        return self.box.bottom - self.box.top


def glyphs_of(word: Word, run: Run, layer: PdfTextPage, frame: Frame) -> list[Glyph]:
    """The characters of a word, found from a piece of text that lies in it."""
    from pypdfium2 import raw

    left, bottom, right, top = run
    near = (right - left) / 2 + 1, (top - bottom) / 2 + 1
    at = raw.FPDFText_GetCharIndexAtPos(layer, (left + right) / 2, (bottom + top) / 2, *near)
    if at < 0:
        return []
    before = _within(word, range(at - 1, max(at - _LONGEST_WORD, -1), -1), layer, frame)
    after = _within(word, range(at, at + _LONGEST_WORD), layer, frame)
    return [*reversed(before), *after]


def _within(word: Word, indexes: Iterable[int], layer: PdfTextPage, frame: Frame) -> list[Glyph]:
    found: list[Glyph] = []
    for index in indexes:
        glyph = _glyph(layer, index, frame)
        if glyph is None:
            break
        left, top, right, bottom = glyph.box
        if not holds(word.box, (left + right) / 2, (top + bottom) / 2):
            break
        found.append(glyph)
    return found


def _glyph(layer: PdfTextPage, index: int, frame: Frame) -> Glyph | None:
    from pypdfium2 import raw

    code = raw.FPDFText_GetUnicode(layer, index)
    loose, x, y = raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
    if code <= _WHITE_SPACE or not raw.FPDFText_GetLooseCharBox(layer, index, loose):
        return None
    if not raw.FPDFText_GetCharOrigin(layer, index, x, y):
        return None
    box = frame.place(loose.left, loose.bottom, loose.right, loose.top)
    return Glyph(chr(code), box, frame.place(x.value, y.value, x.value, y.value).top)
