"""Knows the languages: each one's stemmer and the words that say nothing in it."""

from __future__ import annotations

import re
import threading
from functools import cache, lru_cache
from importlib.resources import files
from typing import Protocol

from pipeline.parsing.assessment.language import is_english

DEFAULT = "en"
"""Of a text whose language cannot be told: a few words, a form, a list of names."""

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque",
    "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""The Snowball stemmer of a language; a language without one has its words as they are."""

_LOCK = threading.Lock()  # a stemmer keeps the word that it works on


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802


def known(language: str) -> str:
    """The language by which words are made where it is not known: the usual one."""
    return language or DEFAULT


def language_of_chunk(text: str, language: str) -> str:
    """The language by which a chunk's words are made.

    English is told by its smallest words, whatever was detected at its document's beginning.

    Args:
        language: of its document, empty when it cannot be told.
    """
    # Where English is the answer anyway, the text need not be read for it.
    return DEFAULT if language in ("", DEFAULT) or is_english(text) else language


@cache
def _stemmer(language: str) -> _Stemmer | None:
    import Stemmer

    name = _STEMMERS.get(language)
    # The cache of the library is not ours to bound.
    return Stemmer.Stemmer(name, 0) if name in Stemmer.algorithms() else None


@lru_cache(maxsize=50_000)
def stem(word: str, language: str) -> str:
    """A word's stem, in lower case; the word itself in a language without a stemmer."""
    stemmer = _stemmer(language)
    if stemmer is None:
        return word
    with _LOCK:
        return stemmer.stemWord(word)


@cache
def stop_words(language: str) -> frozenset[str]:
    """The words that say nothing: articles, pronouns, prepositions, auxiliaries."""
    listed = files("pipeline.words").joinpath("stop_words.yaml").read_text("utf-8")
    # A line a language; a parser of YAML takes longer than all else here.
    for line in listed.splitlines():
        name, _, words = line.partition(":")
        if name == language:
            return frozenset(re.findall(r"\w+", words))
    return frozenset()
