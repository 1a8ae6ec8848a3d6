"""Normalizes text for Postgres, tokenizers and embedding APIs, and counts over it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

REPLACEMENT = "\ufffd"
# NUL breaks Postgres; a lone surrogate breaks UTF-8, so Postgres, hashing and the OpenAI SDK.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")

FOLDED_ALONE = {
    **dict.fromkeys("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007", " "),
    **dict.fromkeys("\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2212\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\uff07", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\uff02", '"'),
    **dict.fromkeys("\u2044\u2215\uff0f", "/"),
}
"""Spaces, hyphens, quotes and slashes, each as the one that is typed; one for one."""
UNSEEN = (
    "\u00ad\u034f\u061c\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064"
    "\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\ufeff"
    "\ufe00\ufe01\ufe02\ufe03\ufe04\ufe05\ufe06\ufe07"
    "\ufe08\ufe09\ufe0a\ufe0b\ufe0c\ufe0d\ufe0e\ufe0f"
)
"""Characters without a shape of their own: soft hyphens, joiners, marks of direction."""
APART = (
    "\u00aa\u00b2-\u00b3\u00b9-\u00ba\u00bc-\u00be\u02b0-\u02b8\u02e0-\u02e4\u10fc\u1d2c-\u1d2e"
    "\u1d30-\u1d3a\u1d3c-\u1d4d\u1d4f-\u1d61\u1d78\u1d9b-\u1dbf\u2070-\u2071\u2074-\u207f"
    "\u2120\u2122\u2150-\u215f\u2189\u2460-\u2473\u24b6-\u24ea\u2c7d\u2d6f\u3192-\u319f"
    "\u3244-\u3247\u3251-\u327e\u3280-\u32bf\u32d0-\u32fe\ua69c-\ua69d\ua770\ua7f2-\ua7f4"
    "\ua7f8-\ua7f9\uab5c-\uab5f\uab69\U00010781-\U00010785\U00010787-\U000107b0"
    "\U000107b2-\U000107ba\U0001f12b-\U0001f12e\U0001f16a-\U0001f16c\U0001f250-\U0001f251"
)
"""Raised and circled characters and fractions, as the ranges of a character class."""
_ALONE_AND_UNSEEN = {**FOLDED_ALONE, **dict.fromkeys(UNSEEN, "")}
_APART = re.compile(f"[{APART}]+")
MOST_MARKS = 30
"""Marks on one letter: the limit of the stream-safe text format (UAX #15)."""
# No marks themselves, but what they are decomposed into is.
_MARKS_WITHIN = "\u0f73\u0f75\u0f81\uff9e\uff9f"
_MARKS_BETWEEN = (0x300, 0x1F000)

# Counting with a regular expression takes ten times as long as bytes.translate, which sees a
# character beyond ASCII as several bytes: all of them letters, once what is none is a space.
_LETTERS = bytes(b if b >= 0x80 or chr(b).isalnum() else 0x20 for b in range(256))
_SPACES = bytes(b for b in range(128) if chr(b).isspace())


class NormalizedText(NamedTuple):
    """A text in NFC without NUL, lone surrogates and piles of marks, and how many were replaced."""

    text: str
    replaced: int


def normalize(text: str) -> NormalizedText:
    """Bring a text into the one form that is hashed, offset and stored.

    Line ends become ``\\n``; NUL, lone surrogates and marks beyond `MOST_MARKS` on one letter
    become U+FFFD and are counted. Normalizing twice changes nothing.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text, replaced = _UNSTORABLE.subn(REPLACEMENT, text)
    if text.isascii():
        return NormalizedText(text, replaced)
    # NFC puts the marks of a letter into their order in time that grows with their square, so
    # piles are cut before it; and after it, since it makes two marks of some.
    text, before = _without_piles(text)
    text, after = _without_piles(unicodedata.normalize("NFC", text))
    return NormalizedText(text, replaced + before + after)


def _without_piles(text: str) -> tuple[str, int]:
    """A text with the marks beyond `MOST_MARKS` in a row replaced, and how many those were."""
    count = 0

    def cut(found: re.Match[str]) -> str:
        nonlocal count
        count += len(found["rest"])
        return found["kept"] + REPLACEMENT * len(found["rest"])

    long, piles = _piles()
    return (piles.sub(cut, text) if long.search(text) else text), count


@cache
def _piles() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Finds too many marks in a row, also with characters between them that `fold` takes out.

    Returns:
        one that finds roughly where to look, which is ten times as fast, and one that finds them.
    """
    marks = "".join(c for c in map(chr, range(*_MARKS_BETWEEN)) if unicodedata.combining(c))
    marks += _MARKS_WITHIN
    # The engine looks a character up in a table, but for those beyond the first plane.
    near = "".join(c for c in marks if c <= "\uffff")
    far = [c for c in marks if c > "\uffff"]
    roughly = f"[{near}{UNSEEN}{min(far)}-{max(far)}]{{{MOST_MARKS + 1}}}"
    kept = rf"(?P<kept>(?:[{marks}][{UNSEEN}]*+){{{MOST_MARKS}}})"
    return re.compile(roughly), re.compile(rf"{kept}(?P<rest>[{marks}][{marks}{UNSEEN}]*+)")


def beyond_ascii(text: str) -> list[str]:
    """The characters that are not ASCII, in order."""
    return [] if text.isascii() else _BEYOND_ASCII.findall(text)


def count_words(text: str) -> int:
    """Runs of letters and digits, as ``[^\\W_]+`` finds them; no lone surrogates in `text`."""
    for character in set(beyond_ascii(text)):
        if not character.isalnum():
            text = text.replace(character, " ")
    return len(text.encode().translate(_LETTERS).split())


def count_visible(text: str) -> int:
    """Characters that are not white space."""
    if text.isascii():
        return len(text.encode().translate(None, _SPACES))
    return sum(map(len, text.split()))


def fold(text: str) -> str:
    """Fold a text for search and embedding: what reads alike becomes alike.

    Ligatures and full-width forms become letters, soft hyphens and zero-width characters go,
    quotes and hyphens become those of a keyboard. A raised mark is set apart by spaces, so that
    ``$250\u00b9`` does not become ``$2501``. `pipeline.store.folding` is the same in SQL.
    """
    if text.isascii():
        return text
    beyond = set(_BEYOND_ASCII.findall(text))
    plain = _replaced(text, beyond, _ALONE_AND_UNSEEN)
    if any(map(_APART.match, beyond)):
        plain = _APART.sub(r" \g<0> ", plain)
    return unicodedata.normalize("NFKC", plain).replace("\u2044", "/")


def fold_in_place(text: str) -> str:
    """Fold only what becomes one other character, so that offsets stay as they are."""
    if text.isascii():
        return text
    return _replaced(text, set(_BEYOND_ASCII.findall(text)), FOLDED_ALONE)


def _replaced(text: str, characters: set[str], by: Mapping[str, str]) -> str:
    """A text with some of its characters replaced, in a tenth of the time of `str.translate`."""
    for character in characters & by.keys():
        text = text.replace(character, by[character])
    return text
