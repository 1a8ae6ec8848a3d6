"""Finds the words of a question in a text: what is marked in a passage, wherever it is shown.

What a word is, and which words are the same, says `pipeline.words`, as it does for the search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.words import NearWord, asked_words, lexemes_of, spans
from pipeline.words.languages import known


class Span(NamedTuple):
    """A part of a text, in characters."""

    start: int
    end: int


def question_words(
    question: str, language: str = "", near: Sequence[NearWord] = ()
) -> frozenset[str]:
    """The lexemes of a question, as they are in a text of the language (ISO 639-1, or empty).

    Args:
        near: what was taken for words that are mistyped.
    """
    return frozenset(each.lexeme for each in asked_words(question, [known(language)], near))


def hits(text: str, words: frozenset[str], language: str = "") -> frozenset[str]:
    """Which words of a question a text of the language has."""
    return words & lexemes_of(text, language)


def highlights(text: str, words: frozenset[str], language: str = "") -> tuple[Span, ...]:
    """Where the words of a question stand in a text of the language, in order.

    Args:
        words: of `question_words`.
    """
    return tuple(Span(*found) for found in spans(text, words, language))
