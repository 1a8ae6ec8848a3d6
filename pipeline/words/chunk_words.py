"""Makes a chunk's words, in the form in which Postgres stores them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from pipeline.words.languages import language_of_chunk
from pipeline.words.lexemes import cut, lexemes, together, unified

RULE = 1
"""The version of the rule: it is stored with each chunk, and raised when its words change.

Chunks of version 0 have the words that ``to_tsvector('english', …)`` finds.
"""

# Postgres takes every place beyond this for this one.
_LAST_PLACE = 16_383
_PLACES = [str(place) for place in range(_LAST_PLACE + 1)]
# Words are found together beside figures alone.
_FIGURE = re.compile("[0-9]")
# What stands between spaces is looked up as a whole, unless it is long: it will not come again.
_MOST_KEPT, _LONGEST_KEPT = 60_000, 60


def chunk_words(headings: Sequence[str], context: str, text: str, language: str) -> str:
    """A chunk's words as the text of a `tsvector`: headings (A), context (B), text.

    Each lexeme has a place for each time that it is there; ranking counts them.

    Args:
        language: ISO 639-1 of the document, empty when unknown.
    """
    places: dict[str, str] = {}
    at = 0
    language = language_of_chunk(text, language)
    for weight, part in (("A", " ".join(headings)), ("B", context), ("", text)):
        if part:
            at = _place(places, unified(part), language, weight, at)
    return " ".join([f"'{lexeme}':{where}" for lexeme, where in places.items()])


def _place(places: dict[str, str], text: str, language: str, weight: str, at: int) -> int:
    """Note where the lexemes of a part stand; returns the place of the last."""
    kept = _kept(language)
    found = [lexeme for piece in text.split() for lexeme in kept[piece]]
    if _FIGURE.search(text) is not None:
        found += together(text, language)
    last = at + len(found)
    numbers = _PLACES[at + 1 : last + 1]
    numbers += _PLACES[-1:] * (len(found) - len(numbers))
    for lexeme, number in zip(found, numbers, strict=True):
        before = places.get(lexeme)
        place = number + weight
        places[lexeme] = place if before is None else f"{before},{place}"
    return last


class _Kept(dict[str, tuple[str, ...]]):
    """The lexemes of what stands between two spaces, made when first asked for."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def __missing__(self, piece: str) -> tuple[str, ...]:
        words = cut(piece)
        made = tuple(each.text for word in words for each in lexemes(word, self._language, False))
        if len(piece) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[piece] = made
        return made


@lru_cache(maxsize=8)
def _kept(language: str) -> _Kept:
    return _Kept(language)
