"""Recognizes marks of list items: bullets, numbers, letters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from unicodedata import category

from pipeline.parsing.pdf.ink import Word

BULLETS = "•◦▪‣·●○■□➢❖►▶❑❏◆♦∙⁃"
_DASHES = "–—-"
_NUMBERED = re.compile(
    r"\(?(?:\d{1,3}|[a-zA-Z]|[ivxlcIVXLC]{1,6})[.)]\)?|\d{1,2}(?:\.\d{1,2}){1,4}\.?"
)
# What follows a mark stands so far from it, in parts of its size; a space between words is a
# quarter, in justified text twice that.
_APART = 0.7


class Mark(Enum):
    """What a line begins with, and how sure it is that an item begins there."""

    NONE = 0
    POSSIBLE = 1
    CERTAIN = 2


def mark_of(line: Sequence[Word]) -> Mark:
    """Whether a line begins with the mark of an item."""
    if len(line) < 2:
        return Mark.NONE
    first, second = line[0], line[1]
    text = first.text
    apart = second.box.left - first.box.right >= _APART * first.size
    if len(text) == 1 and (text in BULLETS or _is_sign(text) or (text == "o" and apart)):
        return Mark.CERTAIN
    if (len(text) == 1 and text in f"{_DASHES}*†‡") or _NUMBERED.fullmatch(text):
        return Mark.CERTAIN if apart else Mark.POSSIBLE
    return Mark.NONE


def is_mark_only(word: Word) -> bool:
    """Whether a word is no more than the mark of an item."""
    text = word.text
    return _NUMBERED.fullmatch(text) is not None or (
        len(text) == 1 and (text in f"{BULLETS}{_DASHES}" or _is_sign(text))
    )


def _is_sign(text: str) -> bool:
    """Whether a character is a picture, such as a tick, as the entries of a legend begin with."""
    return category(text) == "So" and text not in "©®™℠°№"


def as_item(text: str, marker: str = "") -> str:
    """The first line of an item, which begins with ``-`` or with its number as it is printed.

    Args:
        marker: as the layout reader gives it, when it is not in the text.
    """
    first, _, rest = text.partition(" ")
    if rest and len(first) == 1 and first in f"{BULLETS}{_DASHES}o":
        return f"- {rest}"
    if marker and not text.startswith(marker):
        return f"{'-' if marker in BULLETS + _DASHES else marker} {text}"
    if marker or _NUMBERED.fullmatch(first) or first == "*":
        return text
    return f"- {text}"
