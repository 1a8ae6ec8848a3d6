"""Says how probable it is that an answer answers: calibrated relevance, between 0 and 1.

A ranking always has a first passage; its score says nothing of whether that answers. So a logistic
regression over few figures says it: how much of what the question asks stands in the passages, how
near the nearest is, and how far it stands out from the others. Its coefficients are data
(`calibration.json`), fitted on questions with and without an answer by
`python -m benchmarks.retrieval.calibration`, for each kind of embedding space; a coefficient whose
sign is known is never fitted to the other one, so a passage that is nearer, or holds more of the
question, is never less relevant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, log, log1p
from typing import Protocol

from pipeline.ranking.terms import terms, weights

JUDGED = 10
"""So many passages are looked at, however few are wanted."""

# As a corpus of few passages has hardly any background, so many of a usual one are added to it.
_USUAL_PASSAGES = 4.0


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


def relevance(question: str, passages: Sequence[Found], calibration: Calibration) -> Relevance:
    """Judge an answer by its best passages, `JUDGED` or all that there are."""
    if not passages:
        return Relevance(0.0, ())
    asked = Asked(question, passages, calibration.usual_similarity)
    return Relevance(
        calibration.answer.probability(asked.figures),
        tuple(
            calibration.passage.probability(asked.figures_of(number))
            for number in range(len(passages))
        ),
    )


class Asked:
    """A question beside its passages: the figures that a calibration is over.

    Args:
        passages: best first. usual_similarity: as of `Calibration`.
    """

    def __init__(self, question: str, passages: Sequence[Found], usual_similarity: float) -> None:
        self._weights = weights(question)
        self._all = sum(self._weights.values())
        self._held = [self._terms_in(each) for each in passages]
        self._near = [each.similarity for each in passages]
        near = [each for each in self._near[:JUDGED] if each is not None]
        self._background = _background(near, usual_similarity)
        self._nearest = max(near, default=0.0)

    @property
    def figures(self) -> dict[str, float]:
        """Of the whole answer."""
        held = self._held[:JUDGED]
        together = frozenset[str]().union(*held)
        most = max(map(self._weight, held), default=0.0)
        return {
            "covered": self._share(most),
            "covered_together": self._share(self._weight(together)),
            "said": log1p(most),
            "nearest": self._nearest,
            "stands_out": self._nearest - self._background,
            "length": log(1 + len(self._weights)),
        }

    def figures_of(self, number: int) -> dict[str, float]:
        """Of one passage."""
        held, near = self._weight(self._held[number]), self._near[number] or self._background
        return {
            "covered": self._share(held),
            "said": log1p(held),
            "nearest": near,
            "stands_out": near - self._background,
            "length": log(1 + len(self._weights)),
        }

    def _terms_in(self, passage: Found) -> frozenset[str]:
        text = " ".join([*passage.heading_path, passage.context, passage.text])
        return frozenset(self._weights.keys() & set(terms(text)))

    def _weight(self, held: frozenset[str]) -> float:
        return sum(self._weights[term] for term in sorted(held))

    def _share(self, weight: float) -> float:
        return weight / self._all if self._all else 0.0


def _background(near: Sequence[float], usual: float) -> float:
    """The mean similarity of all but the nearest."""
    others = sorted(near)[:-1]
    return (sum(others) + _USUAL_PASSAGES * usual) / (len(others) + _USUAL_PASSAGES)


@cache
def calibration_of(provider: str, *, by_words: bool = False) -> Calibration:
    """The calibration of an embedding space, by the provider of its vectors; or of words alone."""
    data = json.loads((files("pipeline.ranking") / "calibration.json").read_text("utf-8"))
    name = "words" if by_words else data["profiles"].get(provider, data["profiles"]["*"])
    fitted = data["fitted"][name]
    return Calibration(
        Logistic(fitted["answer"]["intercept"], fitted["answer"]["coefficients"]),
        Logistic(fitted["passage"]["intercept"], fitted["passage"]["coefficients"]),
        fitted["threshold"],
        fitted["usual_similarity"],
    )
