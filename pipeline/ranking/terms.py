"""Splits a question into terms and weighs them: how much it says that a passage lacks one.

Rarity is that of ordinary English, not of the reader's documents: in a corpus of five passages
every word is rare or everywhere, and a word that stands in none of them may be "wait" or "France".
So a relevance depends on nothing but the question and what was found for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from math import log

WORD = re.compile(r"\w+")
"""As it was typed."""
_LETTERS = 7
"""Of a term: the same word in its forms shares so many, or all that it has."""
_SUFFIXES = (
    "izations", "ization", "ations", "ation", "ments", "ment", "ances", "ance", "ences", "ence",
    "ages", "age", "ings", "ing", "ied", "ies", "ers", "er", "ed", "es", "ly", "s", "e", "y",
)  # fmt: skip
_STEM, _ENDINGS = 3, 2
_REMEMBERED = 40
"""Letters: the terms of words that are no longer are kept."""
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def words(text: str) -> list[str]:
    """The words of a text in their order, folded; pairs of signs in CJK."""
    split: list[str] = WORD.findall(text.casefold())
    if text.isascii():
        return split
    found: list[str] = []
    for word in split:
        if not word.isascii() and _CJK.search(word):
            found += (word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            found.append(word)
    return found


def terms(text: str) -> Iterator[str]:
    """The terms of a text in their order: words without their endings; pairs of signs in CJK."""
    return map(term_of, words(text))


def weights(question: str) -> dict[str, float]:
    """The terms of a question, each with its rarity from above 0 to 1; stop words are left out."""
    rarity, unknown = _rarity()
    found = {term: rarity.get(term, unknown) for term in terms(question)}
    return {term: weight for term, weight in found.items() if weight > 0}


def term_of(word: str) -> str:
    """A folded word without its endings."""
    # Nobody's long signs are remembered.
    return _remembered_term(word) if len(word) <= _REMEMBERED else _made_term(word)


def _made_term(word: str) -> str:
    """A word without its endings, twice: covered and coverage are cover, and that is cov."""
    if word.isdigit():
        return word
    for _ in range(_ENDINGS):
        word = _shorter(word)
    return word[:_LETTERS]


_remembered_term = lru_cache(maxsize=50_000)(_made_term)


def _shorter(word: str) -> str:
    if not word.endswith(_SUFFIXES):
        return word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _STEM:
            return word[: -len(suffix)]
    return word


@cache
def _rarity() -> tuple[dict[str, float], float]:
    """Of each common term, 0 for a stop word; and of a term that is not common."""
    data = json.loads((files("pipeline.ranking") / "term_counts.json").read_text("utf-8"))
    size, counts = data["texts"], data["counts"]
    most = log((size + 1) / 2)
    found = {term: log((size + 1) / (count + 2)) / most for term, count in counts.items()}
    found |= {term_of(word): 0.0 for word in data["stop_words"]}
    found |= dict.fromkeys(data["stop_words"], 0.0)
    return found, 1.0
