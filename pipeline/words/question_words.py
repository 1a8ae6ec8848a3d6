"""Makes a question's words: what is looked for, and how much each counts.

The language of a question is uncertain, as it is short: so each word is looked for in the form that
it has in each language of the reader's documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.text import normalize
from pipeline.words import abbreviations
from pipeline.words.languages import DEFAULT, known, stop_words
from pipeline.words.lexemes import Lexeme, cut, lexemes, unified, words_of

# A question is a sentence; of a pasted page the first words do.
MAX_CHARACTERS = 4_000
MAX_WORDS = 32
MAX_LEXEMES = 64
MAX_LANGUAGES = 8
"""As many of the reader's languages are thought of."""

# What stands in for a word counts less than the word, so that an exact hit stays first: an
# abbreviation, and all the words of a long form together.
_SHORT, _LONG = 0.5, 0.6
_NEAR = 0.7
_TELLING = 2


@dataclass(frozen=True, slots=True)
class AskedWord:
    """A lexeme to look for.

    Attributes:
        weight: how much a hit counts: 1 for the word itself, less for what stands in for it.
    """

    lexeme: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class NearWord:
    """A word that is taken for one that stands in none of the reader's documents.

    Attributes:
        asked: as it was typed. taken: as it stands in a document. lexemes: what it is found by.
    """

    asked: str
    taken: str
    lexemes: tuple[str, ...]


def asked_words(
    question: str, languages: Sequence[str] = (), near: Sequence[NearWord] = ()
) -> list[AskedWord]:
    """The lexemes of a question, in its order, each once; none for one of stop words and signs.

    Args:
        languages: ISO 639-1, of the reader's documents; English when there are none.
        near: for words that are mistyped.
    """
    found: dict[str, float] = {}
    spoken = _languages(languages)
    for word, made in question_lexemes(question, spoken):
        for lexeme in made:
            found[lexeme.text] = max(found.get(lexeme.text, 0), lexeme.share)
        for part in dict.fromkeys([word, *re.split("[-/']", word)]):
            for form in abbreviations.long_forms(part):
                _add_long_form(found, form, spoken)
    for name in abbreviations.short_forms(_cut(question)):
        for language in spoken:
            for lexeme in lexemes(name, language, True):
                found.setdefault(lexeme.text, _SHORT * lexeme.share)
    for each in near:
        for text in each.lexemes:
            found.setdefault(text, _NEAR)
    return [AskedWord(lexeme, weight) for lexeme, weight in found.items()][:MAX_LEXEMES]


def _add_long_form(found: dict[str, float], form: str, languages: Sequence[str]) -> None:
    words = [made for _, made in question_lexemes(form, languages) if made]
    for made in words:
        for lexeme in made:
            found.setdefault(lexeme.text, _LONG * lexeme.share / len(words))


def question_lexemes(
    question: str, languages: Sequence[str]
) -> list[tuple[str, tuple[Lexeme, ...]]]:
    """The words of a question, at most `MAX_WORDS` that say something, in all the languages."""
    asked = _cut(question)
    words: dict[str, dict[str, Lexeme]] = {}
    nothing = _stop_words_of(asked, languages)
    for language in languages:
        for word, made in words_of(asked, language, asked=True):
            if word.lower() not in nothing:
                words.setdefault(word, {}).update({each.text: each for each in made})
    telling = [(word, tuple(made.values())) for word, made in words.items() if made]
    return telling[:MAX_WORDS]


def _stop_words_of(question: str, languages: Sequence[str]) -> frozenset[str]:
    """The stop words of the language that a question is in, where several of them tell it.

    Otherwise `the` would be a rare word that only documents in other languages have.
    """
    words = {word.lower() for word in cut(unified(question))}
    told = [(len(words & stop_words(language)), language) for language in languages]
    most, language = max(told, default=(0, ""))
    return stop_words(language) if most >= _TELLING else frozenset()


def _cut(question: str) -> str:
    return normalize(question[:MAX_CHARACTERS]).text


def _languages(languages: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(map(known, languages or [DEFAULT])))[:MAX_LANGUAGES]
