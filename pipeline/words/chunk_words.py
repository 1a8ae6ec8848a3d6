"""Makes a chunk's words, in the form in which Postgres stores them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pipeline.words.languages import known
from pipeline.words.lexemes import cut, lexemes, together, unified

RULE = 1
"""The version of the rule: it is stored with each chunk, and raised when its words change.

Chunks of version 0 have the words that ``to_tsvector('english', …)`` finds.
"""

# Postgres takes every place beyond this for this one.
_LAST_PLACE = 16_383
_PLACES = [str(place) for place in range(_LAST_PLACE + 1)]


def chunk_words(headings: Sequence[str], context: str, text: str, language: str) -> str:
    """A chunk's words as the text of a `tsvector`: headings (A), context (B), text.

    Each lexeme has the places at which it stands; ranking counts them.

    Args:
        language: ISO 639-1 of the document, empty when unknown.
    """
    places: dict[str, str] = {}
    at = 0
    for weight, part in (("A", " ".join(headings)), ("B", context), ("", text)):
        if part:
            at = _place(places, unified(part), known(language), weight, at)
    return " ".join([f"'{lexeme}':{where}" for lexeme, where in places.items()])


def _place(places: dict[str, str], text: str, language: str, weight: str, at: int) -> int:
    """Note where the words of a part stand; returns the place of the last."""
    for word in cut(text):
        at += 1
        if made := _stored(word, language):
            place = _PLACES[at] + weight if at < _LAST_PLACE else _PLACES[-1] + weight
            for lexeme in made:
                places[lexeme] = f"{places[lexeme]},{place}" if lexeme in places else place
    for lexeme in together(text, language):
        at += 1
        place = _PLACES[min(at, _LAST_PLACE)] + weight
        places[lexeme] = f"{places[lexeme]},{place}" if lexeme in places else place
    return at


@lru_cache(maxsize=50_000)
def _stored(word: str, language: str) -> tuple[str, ...]:
    return tuple(lexeme.text for lexeme in lexemes(word, language, False))
