"""Joins words to lines, and lines to text: order, superscripts, hyphens at line ends."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from pipeline.layout import Box
from pipeline.parsing.pdf.direction import as_read
from pipeline.parsing.pdf.ink import TICKED, UNTICKED, Word, around

Line = list[Word]

# Two words share a line when they overlap by this part of the lower one's height.
_SHARED_HEIGHT = 0.5
# A line is at most so many times as high as its tallest word.
_MAX_HEIGHT = 1.6
# A superscript is at most this part of its neighbor's size, and raised by this part of it.
MARK_SIZE = 0.85
_MARK_RAISED = 0.12
# A superscript stands so near to its word, in parts of the word's size.
_MARK_NEAR = 0.4
# Feet of letters stand so far above the lower edge of their box, in parts of their size.
_FOOT = 0.2
_MARK = re.compile(r"[(\[]?(?:[\d,*†‡§¶#]{1,6}|[^\W\d_]{1,2}|[ivx]{1,4})[,)\]]{0,2}", re.IGNORECASE)
_UNIT = re.compile(r"\A(?:.*[\d.,])?(?:mm|cm|m|km|in|ft|yd|mi|sq|10)", re.IGNORECASE)
_ORDINAL = re.compile(r"(?:st|nd|rd|th)", re.IGNORECASE)
_SIGNS = {"TM": "™", "SM": "℠", "R": "®", "®": "®", "™": "™", "©": "©"}
# A gap between two words, in parts of their size, that parts columns rather than words.
COLUMN_GAP = 2.2
_HYPHENS = "-\u2010\u00ad\u2011"
_LAST_WORD, _FIRST_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]++$"), re.compile(r"[^\W\d_]{1,80}")
_LONGEST_WORD = 80
# First parts that keep their hyphen when a line ends within the word.
_PREFIXES = frozenset(
    """
    self non co pre post anti ex all cross long short high low well multi semi sub inter intra out
    in on off up over under re un half full part third first second two three four five six seven
    eight nine ten one pro quasi mid counter cost fee risk tax year month day week age add check
    follow sign stand take walk write break buy pay run set by to of
    """.split()  # noqa: SIM905 — a list of fifty words reads better as text
)


def lines_of(words: Iterable[Word]) -> list[Line]:
    """The lines that words make, from top to bottom, each from left to right."""
    bands: list[_Band] = []
    for word in sorted(words, key=lambda w: (w.box.top + w.box.bottom, w.box.left)):
        band = next((b for b in reversed(bands[-3:]) if b.shares(word)), None)
        if band is None:
            bands.append(_Band(word))
        else:
            band.add(word)
    return [_with_marks(sorted(band.words, key=lambda w: w.box.left)) for band in bands]


class _Band:
    """A line while its words are gathered: how high it is, and its words."""

    __slots__ = ("bottom", "size", "tallest", "top", "words")

    def __init__(self, word: Word) -> None:
        self.top, self.bottom = word.box.top, word.box.bottom
        self.tallest = self.bottom - self.top
        self.size = word.size
        self.words = [word]

    def shares(self, word: Word) -> bool:
        """Whether a word stands on this line."""
        top, bottom = word.box.top, word.box.bottom
        shared = min(self.bottom, bottom) - max(self.top, top)
        return shared >= _SHARED_HEIGHT * min(max(bottom - top, 0.1), self.bottom - self.top)

    def add(self, word: Word) -> None:
        """Take a word; a superscript, or a line that is set aslant, makes the line no higher."""
        self.words.append(word)
        if self.size and word.size <= MARK_SIZE * self.size:
            return
        top, bottom = min(self.top, word.box.top), max(self.bottom, word.box.bottom)
        tallest = max(self.tallest, word.box.bottom - word.box.top)
        if bottom - top <= _MAX_HEIGHT * tallest:
            self.top, self.bottom, self.tallest = top, bottom, tallest


def _with_marks(line: Line) -> Line:
    """Superscripts put on the word before them, so that no amount runs into its footnote."""
    kept: Line = []
    for word in line:
        word.marks_after = ""
        before = kept[-1] if kept else None
        if before is not None and not word.filled and _is_raised(before, word):
            before.marks_after += word_text(word)
        else:
            kept.append(word)
    return kept


def _is_raised(base: Word, word: Word) -> bool:
    foot = word.box.bottom - _FOOT * word.size
    return (
        word.size <= MARK_SIZE * base.size
        and foot <= base.box.bottom - (_FOOT + _MARK_RAISED) * base.size
        and word.box.left - base.box.right <= _MARK_NEAR * base.size
        and is_mark(word.text)
    )


def is_mark(text: str) -> bool:
    """Whether a raised text can be a footnote's mark, an ordinal's ending, a power or a sign."""
    return text not in (TICKED, UNTICKED) and _MARK.fullmatch(text) is not None


def line_text(line: Sequence[Word]) -> str:
    """The words of a line, as they are read, with single spaces between them."""
    return " ".join(word_text(word) for word in as_read(line))


def word_text(word: Word) -> str:
    """A word with its superscript set apart."""
    return with_mark(word.text, word.mark + word.marks_after)


def with_mark(text: str, mark: str) -> str:
    """A word and its superscript, set apart: ``$250 [1]``, ``m^2``, ``1st``, ``Plus™``."""
    mark = mark.strip("[](),")
    if not mark:
        return text
    if mark in _SIGNS:
        return text + _SIGNS[mark]
    if text[-1:].isdigit() and _ORDINAL.fullmatch(mark):
        return text + mark
    if mark.isdigit() and _UNIT.fullmatch(text):
        return f"{text}^{mark}"
    return f"{text} [{mark}]"


def has_columns(line: Sequence[Word]) -> bool:
    """Whether a gap in a line is so wide that it parts columns."""
    return any(
        right.box.left - left.box.right > COLUMN_GAP * max(left.size, right.size, 1.0)
        for left, right in pairwise(line)
    )


def running_text(lines: Iterable[str], vocabulary: Collection[str]) -> str:
    """Lines as one paragraph; a word that was broken at a line's end is whole again.

    Args:
        vocabulary: words of the document in lower case, which tell a broken word from one with a
            hyphen of its own.
    """
    parts: list[str] = []
    for line in lines:
        if not parts or not parts[-1]:
            parts.append(line)
        elif parts[-1][-1] in _HYPHENS or parts[-1][-1] == "\x02":
            parts[-1:] = _rejoined(parts[-1], line, vocabulary)
        else:
            parts += (" ", line)
    return "".join(parts)


def _rejoined(before: str, line: str, vocabulary: Collection[str]) -> tuple[str, ...]:
    """What stands for two lines of which the first one ends with a hyphen."""
    if before[-1] in "\x02\u00ad":
        return before[:-1], line
    first = _LAST_WORD.search(before[-_LONGEST_WORD:-1])
    second = _FIRST_WORD.match(line)
    if first is None or second is None or not second[0][0].islower():
        # A number, a dash between two words, or a name: the hyphen is the author's.
        return (before, line) if before[-2:-1] not in ("", " ") else (before, " ", line)
    left, right = first[0].lower(), second[0].lower()
    keeps = f"{left}-{right}" in vocabulary or left in _PREFIXES
    keeps = keeps or (left in vocabulary and right in vocabulary)
    if keeps and left + right not in vocabulary:
        return before, line
    return before[:-1], line


def box_of(words: Iterable[Word]) -> Box:
    """The box around words, of which there is at least one."""
    return around(word.box for word in words)
