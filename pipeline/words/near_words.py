"""Finds the word that was meant by one that is mistyped, among the words of the reader's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from pipeline.words.languages import known, stem, stop_words
from pipeline.words.lexemes import cut, lexemes, unified

LEAST_LETTERS = 5
"""Of a shorter word too many others are near."""

_LONG = 8
_MOST_WORDS = 8


def may_be_mistyped(question: str, languages: Sequence[str]) -> dict[str, frozenset[str]]:
    """The words of a question that may be meant for others, each with its lexemes.

    Args:
        languages: ISO 639-1, of the reader's documents.
    """
    found: dict[str, frozenset[str]] = {}
    for word in cut(unified(question)):
        plain = word.lower()
        if len(plain) < LEAST_LETTERS or not (plain.isalpha() and plain.isascii()):
            continue
        if not any(plain in stop_words(language) for language in languages):
            found[plain] = frozenset(stem(plain, language) for language in languages)
    return dict(list(found.items())[:_MOST_WORDS])


def most_errors(word: str) -> int:
    """How many letters may be wrong, missing, too many or exchanged."""
    return 2 if len(word) >= _LONG else 1


def near_lexemes(stems: Iterable[str], vocabulary: Collection[str], errors: int) -> list[str]:
    """The few lexemes of the vocabulary that are near one of the stems, nearest first.

    Args:
        vocabulary: lexemes, the more frequent first.
        errors: at most so many, as of `most_errors`.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    found: dict[str, float] = {}
    for each in stems:
        near = process.extract(
            each, vocabulary, scorer=OSA.distance, score_cutoff=errors, limit=_MOST_WORDS
        )
        for lexeme, distance, _ in near:
            found[lexeme] = min(distance, found.get(lexeme, errors))
    return sorted(found, key=lambda lexeme: found[lexeme])


def nearest_spelling(word: str, lexeme: str, text: str, language: str) -> str | None:
    """The word of a text that has the lexeme and is nearly spelled as `word`; None when none is."""
    from rapidfuzz.distance import OSA

    most = most_errors(word)
    best: tuple[int, str] | None = None
    for each in dict.fromkeys(cut(unified(text).lower())):
        if all(made.text != lexeme for made in lexemes(each, known(language), False)):
            continue
        distance = OSA.distance(word, each)
        if distance <= most and each[0] == word[0] and (best is None or distance < best[0]):
            best = distance, each
    return best[1] if best else None
