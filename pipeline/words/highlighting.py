"""Finds the words of a text that a question asked for, to be marked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache, lru_cache

from pipeline.text import UNSEEN, fold, fold_in_place
from pipeline.words import scripts
from pipeline.words.languages import known
from pipeline.words.lexemes import letters_with_marks, lexemes, words_of

_ASCII = re.compile(r"[^\W_]++(?:[-/.,'&][^\W_]++)*+(?:\([^\W_]{1,4}+\))*+%?")

_REMEMBERED = 40
"""Characters: what words are found by that are no longer is kept."""


def spans(text: str, lexemes: Collection[str], language: str = "") -> Iterator[tuple[int, int]]:
    """Where in a text a word stands that has one of the lexemes: (start, end), in order.

    Args:
        text: as it is stored or shown, not folded.
        lexemes: of the question, as `asked_words` makes them.
        language: ISO 639-1 of the text, empty when unknown.
    """
    wanted = frozenset(lexemes)
    for found in _words(ascii_only=text.isascii()).finditer(fold_in_place(text)):
        word = found[0]
        if not word.isascii() and scripts.is_unspaced(word):
            yield from _grams(word, found.start(), wanted)
        elif not wanted.isdisjoint(_lexemes_of_word(word, language)):
            yield found.span()


def _lexemes_of_word(word: str, language: str) -> frozenset[str]:
    return (_remembered if len(word) <= _REMEMBERED else _made)(word, language)


def _made(word: str, language: str) -> frozenset[str]:
    if word.isascii() and word.isalpha():  # most are: there is nothing to fold or to cut
        return frozenset(each.text for each in lexemes(word, known(language), False))
    return lexemes_of(fold(word), language)


_remembered = lru_cache(maxsize=50_000)(_made)


def lexemes_of(text: str, language: str = "") -> frozenset[str]:
    """All the lexemes of a text."""
    return frozenset(each.text for _, made in words_of(text, language) for each in made)


@cache
def _words(*, ascii_only: bool) -> re.Pattern[str]:
    if ascii_only:
        return _ASCII
    letter = f"(?:{letters_with_marks()}|[{UNSEEN}])"
    return re.compile(_ASCII.pattern.replace(r"[^\W_]", letter))


def _grams(word: str, start: int, wanted: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Each longest stretch of neighbors that are asked for."""
    end = -1
    begun = 0
    for at in range(len(word)):
        # a slice that ends with the word is shorter than it was asked to be
        size = next((len(gram) for n in (2, 1) if (gram := word[at : at + n]) in wanted), 0)
        if not size:
            continue
        if at > end:
            if end > 0:
                yield start + begun, start + end
            begun = at
        end = max(end, at + size)
    if end > 0:
        yield start + begun, start + end
