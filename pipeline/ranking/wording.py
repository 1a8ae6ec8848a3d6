"""Compares the wording of a question with that of passages, word by word, by word vectors.

A word that is missing may be there in another one ("dog" in "animal"), and a question whose every
word is somewhere in a passage may be asked of two sentences that have nothing to do with each
other. So every word of the question is looked for by what it means, and the question as a whole is
held against each window of a few sentences. Word vectors are static: they cost neither a request
nor a model's run, whatever embeds the documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from pipeline.ranking.terms import WORD, term_of, words
from pipeline.words import abbreviations

Vectors = NDArray[np.float32]
WordVectors = Callable[[Sequence[str]], Vectors]
"""Vectors of words, shape (words, dimension): sums of token vectors, not of unit length."""

WINDOW_WORDS = 32
"""Of a window: a sentence of a policy, or two of a letter."""
_STEP_WORDS = 8
_MOST_WORDS, _MOST_ASKED = 1_500, 256
"""Of a passage, and of a question: longer ones are compared by their beginning."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How near a passage is to a question in its words.

    Attributes:
        held: share of what is asked that the passage says, in these words or near ones, by rarity.
        window: cosine similarity of the question to the nearest window of the passage.
    """

    held: float
    window: float


NOTHING = Wording(0.0, 0.0)


def wordings(
    question: str, weights: Mapping[str, float], passages: Sequence[str], vectors: WordVectors
) -> list[Wording]:
    """The wording of each passage beside a question.

    Args:
        weights: rarity of each term of the question.
    """
    asked = _Asked.of(question, weights)
    read = [words(text)[:_MOST_WORDS] for text in passages]
    if not asked.terms or not any(read):
        return [NOTHING for _ in passages]
    known = {
        word: row
        for row, word in enumerate(
            dict.fromkeys(
                [*asked.words, *asked.looked_for, *(word for text in read for word in text)]
            )
        )
    }
    rows = vectors(list(known))
    units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    near = np.maximum(units[[known[word] for word in asked.looked_for]] @ units.T, 0.0)
    terms = np.array([term_of(word) for word in known])
    for number, word in enumerate(asked.looked_for):
        near[number, terms == term_of(word)] = 1.0
    whole = rows[[known[word] for word in asked.words]].sum(axis=0)
    whole /= max(float(np.linalg.norm(whole)), 1e-6)
    return [_wording(asked, text, known, rows, near, whole) for text in read]


def _wording(
    asked: _Asked,
    text: Sequence[str],
    known: Mapping[str, int],
    rows: Vectors,
    near: Vectors,
    whole: Vectors,
) -> Wording:
    if not text:
        return NOTHING
    at = np.array([known[word] for word in text])
    similar = dict(zip(asked.looked_for, near[:, at].max(axis=1).tolist(), strict=True))
    return Wording(asked.share(similar), _nearest_window(rows[at], whole))


def _nearest_window(rows: Vectors, whole: Vectors) -> float:
    steps = np.add.reduceat(rows, np.arange(0, len(rows), _STEP_WORDS), axis=0)
    width = min(WINDOW_WORDS // _STEP_WORDS, len(steps))
    sums = np.cumsum(np.vstack([np.zeros_like(steps[:1]), steps]), axis=0)
    windows = sums[width:] - sums[:-width]
    lengths = np.maximum(np.linalg.norm(windows, axis=1), 1e-6)
    return float(np.max(windows @ whole / lengths))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for in each passage.

    Attributes:
        words: of the question, in their order. terms: the word of each term that says something.
        others: for a term, words that say the same together: the long form of an abbreviation.
    """

    words: Sequence[str]
    terms: Mapping[str, str]
    weights: Mapping[str, float]
    others: Mapping[str, Sequence[tuple[str, ...]]]

    @classmethod
    def of(cls, question: str, weights: Mapping[str, float]) -> _Asked:
        asked = words(question)[:_MOST_ASKED]
        terms: dict[str, str] = {}
        for word in asked:
            if (term := term_of(word)) in weights:
                terms.setdefault(term, word)
        return cls(asked, terms, weights, _others(question, terms))

    @property
    def looked_for(self) -> list[str]:
        """Every word whose nearest is wanted, each once."""
        forms = [word for forms in self.others.values() for form in forms for word in form]
        return list(dict.fromkeys([*self.terms.values(), *forms]))

    def share(self, similar: Mapping[str, float]) -> float:
        """How much of what is asked is said, by how near the nearest of each word is."""
        total = sum(self.weights[term] for term in self.terms)
        said = 0.0
        for term, word in self.terms.items():
            forms = [min(similar[each] for each in form) for form in self.others.get(term, ())]
            said += self.weights[term] * max(similar[word], *forms, 0.0)
        return min(1.0, said / total)


def _others(question: str, terms: Mapping[str, str]) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}

    def add(word: str, form: Sequence[str]) -> None:
        if form and (term := term_of(word)) in terms:
            found.setdefault(term, []).append(tuple(form))

    for each in dict.fromkeys(WORD.findall(question)):
        for long in abbreviations.long_forms(each):
            add(each.casefold(), words(long))
        parts = ["".join(some) for _, some in groupby(each.casefold(), str.isdigit)]
        if len(parts) > 1:  # HO3 is HO-3
            add(each.casefold(), parts)
    for name in abbreviations.short_forms(question):
        for long in abbreviations.long_forms(name):
            for word in words(long):
                add(word, words(name))
    return found
