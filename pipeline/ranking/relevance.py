"""Says how probable it is that an answer answers: calibrated relevance, between 0 and 1.

A ranking always has a first passage; its score says nothing of whether that answers. So a logistic
regression over few figures says it: how much of what the question asks stands in the passages, how
near the nearest is, and how far it stands out from the others. Its coefficients are data
(`calibration.json`), fitted on questions with and without an answer by
`python -m benchmarks.retrieval.calibration`, for each kind of embedding space; a coefficient whose
sign is known is never fitted to the other one, so a passage that is nearer, or holds more of the
question, is never less relevant. Among many passages the nearest is near by chance: so how many
were looked through counts too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, log
from typing import Protocol

from pipeline.ranking.fusion import Scored
from pipeline.ranking.terms import terms, weights

JUDGED = 10
"""So many passages are looked at, however few are wanted."""

# A small corpus has few passages that the best could stand out from: so many usual ones are added.
_USUAL_NEAR, _USUAL_WORDED = 4.0, 3.0
# Nothing smaller was fitted on. Above the other, a larger scope brings more that answers, too.
_LEAST_SCOPE, _MOST_SCOPE = 30, 1_000
# BM25 of a usual second passage, as a share of the best.
_USUAL_SECOND = 0.7


class Found(Protocol):
    """A passage of an answer."""

    @property
    def text(self) -> str:
        """What it says."""
        ...

    @property
    def heading_path(self) -> Sequence[str]:
        """The headings above it."""
        ...

    @property
    def context(self) -> str:
        """What stands beside it."""
        ...

    @property
    def similarity(self) -> float | None:
        """Cosine similarity to the question; None where only words found it."""
        ...

    @property
    def vector_rank(self) -> int | None:
        """Its place by meaning, from 1."""
        ...

    @property
    def text_rank(self) -> int | None:
        """Its place by words, from 1."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What both rankings have found, whatever of it is shown; scores best first.

    Attributes:
        near: cosine similarities. worded: BM25 scores.
        in_both: passages among the first ten of both. first: how many could be.
        scope: passages that were looked through, as far as they were counted.
    """

    near: tuple[float, ...] = ()
    worded: tuple[float, ...] = ()
    in_both: int = 0
    first: int = 0
    scope: int = 0

    @classmethod
    def of(cls, vectors: Sequence[Scored], words: Sequence[Scored], scope: int = 0) -> Evidence:
        """Of two rankings, best first."""
        near = {each.chunk_id for each in vectors[:JUDGED]}
        worded = {each.chunk_id for each in words[:JUDGED]}
        return cls(
            tuple(each.score for each in vectors),
            tuple(each.score for each in words),
            len(near & worded),
            len(near),
            scope,
        )

    def background(self, usual: float) -> float:
        """The mean similarity of all but the nearest passage."""
        others = self.near[1:]
        return (sum(others) + _USUAL_NEAR * usual) / (len(others) + _USUAL_NEAR)

    @property
    def words_stand_out(self) -> float:
        """How far the best passage by words is before the next nine, as a share of its score."""
        if not self.worded or self.worded[0] <= 0:
            return 0.0
        others = [each / self.worded[0] for each in self.worded[1:JUDGED]]
        mean = (sum(others) + _USUAL_WORDED * _USUAL_SECOND) / (len(others) + _USUAL_WORDED)
        return 1 - mean

    @property
    def small_scope(self) -> float:
        """The less was looked through, the higher: by so much less is near by chance."""
        counted = max(self.scope, len(self.near), len(self.worded), _LEAST_SCOPE)
        return -log(min(counted, _MOST_SCOPE))

    @property
    def agreement(self) -> float:
        """The share of the first passages by meaning that are among the first by words."""
        return self.in_both / self.first if self.first else 0.0


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted logistic regression.

    Attributes:
        intercept, coefficients: over the figures as they are, not standardized.
    """

    intercept: float
    coefficients: Mapping[str, float]

    def probability(self, figures: Mapping[str, float]) -> float:
        """Between 0 and 1."""
        total = self.intercept + sum(c * figures[n] for n, c in self.coefficients.items())
        return 1 / (1 + exp(-max(-60.0, min(60.0, total))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of an embedding space, or of words alone.

    Attributes:
        answer: probability that the passages answer at all. passage: that one of them does.
        threshold: of the answer; below it nothing fits.
        usual_similarity: of a passage that has nothing to do with the question.
    """

    answer: Logistic
    passage: Logistic
    threshold: float
    usual_similarity: float


@dataclass(frozen=True, slots=True)
class Relevance:
    """How relevant an answer is, and each of its passages, in their order."""

    answer: float
    passages: tuple[float, ...]


def relevance(
    question: str, passages: Sequence[Found], evidence: Evidence, calibration: Calibration
) -> Relevance:
    """Judge an answer by its best passages, `JUDGED` or all that there are."""
    if not passages:
        return Relevance(0.0, ())
    asked = Asked(question, passages, evidence, calibration.usual_similarity)
    return Relevance(
        calibration.answer.probability(asked.figures),
        tuple(map(calibration.passage.probability, map(asked.figures_of, range(len(passages))))),
    )


class Asked:
    """A question beside what was found: the figures that a calibration is over.

    Args:
        passages: best first. usual_similarity: as of `Calibration`.
    """

    def __init__(
        self,
        question: str,
        passages: Sequence[Found],
        evidence: Evidence,
        usual_similarity: float,
    ) -> None:
        self._weights = weights(question)
        self._all = sum(self._weights.values())
        self._passages, self._evidence = passages, evidence
        self._background = evidence.background(usual_similarity)
        self._covered = [self._share(self._terms_in(each)) for each in passages]

    @property
    def figures(self) -> dict[str, float]:
        """Of the whole answer."""
        nearest = max(self._evidence.near, default=0.0)
        return {
            "covered": max(self._covered[:JUDGED], default=0.0),
            "nearest": nearest,
            "stands_out": nearest - self._background,
            "words_stand_out": self._evidence.words_stand_out,
            "agreement": self._evidence.agreement,
            "small_scope": self._evidence.small_scope,
            "length": log(1 + len(self._weights)),
        }

    def figures_of(self, number: int) -> dict[str, float]:
        """Of one passage."""
        passage = self._passages[number]
        near = self._background if passage.similarity is None else passage.similarity
        return {
            "covered": self._covered[number],
            "nearest": near,
            "stands_out": near - self._background,
            "by_meaning": 1 / passage.vector_rank if passage.vector_rank else 0.0,
            "by_words": 1 / passage.text_rank if passage.text_rank else 0.0,
            "small_scope": self._evidence.small_scope,
            "length": log(1 + len(self._weights)),
        }

    def _terms_in(self, passage: Found) -> set[str]:
        text = " ".join([*passage.heading_path, passage.context, passage.text])
        return self._weights.keys() & set(terms(text))

    def _share(self, held: set[str]) -> float:
        """The share of what is asked that stands in a passage, by rarity."""
        return sum(self._weights[term] for term in sorted(held)) / self._all if self._all else 0.0


@cache
def calibration_of(provider: str, mode: str) -> Calibration:
    """The calibration of an embedding space, by the provider of its vectors.

    What similarities mean is another matter in every space: one that nothing was fitted for is
    judged by words alone, as a search by words is.

    Args:
        mode: hybrid, vector or text.
    """
    data = json.loads((files("pipeline.ranking") / "calibration.json").read_text("utf-8"))
    space = data["spaces"].get(data["profiles"].get(provider), {})
    fitted = space.get(mode, data["text"])
    return Calibration(
        Logistic(fitted["answer"]["intercept"], fitted["answer"]["coefficients"]),
        Logistic(fitted["passage"]["intercept"], fitted["passage"]["coefficients"]),
        fitted["threshold"],
        fitted["usual_similarity"],
    )
