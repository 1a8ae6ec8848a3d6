"""Finds the words of a question in a text: what is marked in a passage, wherever it is shown."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.text import UNSEEN, fold

# An amount is one word, with its commas; a soft hyphen ends no word.
_WORD = re.compile(rf"\d++(?:[.,]\d++)++|[\w{UNSEEN}]++")
_CENTS = re.compile(r"\.0+\Z")
# Words that say nothing about what is asked.
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a about after all am an and any are as at be because been before but by can could did do "
        "does for from had has have how i if in is it its me my no not of on or our out so that "
        "the their them then there these they this to up was we were what when where which while "
        "who why will with would you your",
    )
)


class Span(NamedTuple):
    """A part of a text, in characters."""

    start: int
    end: int


def question_words(question: str) -> frozenset[str]:
    """The stems of a question's telling words."""
    words = (word.lower() for word in _WORD.findall(question))
    return frozenset(stem(word) for word in words if word not in _STOP and len(word) > 1)


def stem(word: str) -> str:
    """Rough, but the same for a question and a text: enough to mark a word."""
    word = fold(word).lower()
    if word[:1].isdigit():
        return _CENTS.sub("", word.replace(",", ""))
    return word[:5] if len(word) > 5 else word.removesuffix("s")


def words_in(text: str) -> list[tuple[str, Span]]:
    """The stems of a text's words with where they stand."""
    return [(stem(found[0]), Span(*found.span())) for found in _WORD.finditer(text)]


def highlights(text: str, words: frozenset[str]) -> tuple[Span, ...]:
    """Where the words of a question stand in a text, in order.

    Args:
        words: of `question_words`.
    """
    return tuple(span for found, span in words_in(text) if found in words)
