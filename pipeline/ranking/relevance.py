"""Says how probable it is that an answer answers: calibrated relevance, between 0 and 1.

A ranking always has a first passage; its score says nothing of whether that answers. So a logistic
regression over few figures says it: how much *one* passage has of the question, in its words and
their meaning, how near the nearest is, and how far both stand out from the others. A coefficient
whose sign is known is never fitted to the other one, so a passage that is nearer, or says more of
the question, is never less relevant. Among many passages the nearest is near by chance: so how many
were looked through counts too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Protocol

from pipeline.ranking.calibration import Calibration
from pipeline.ranking.fusion import Scored
from pipeline.ranking.terms import terms, weights
from pipeline.ranking.wording import Wording, WordVectors, wordings

JUDGED = 10
"""So many passages are looked at, however few are wanted."""

# A small corpus has few passages that the best could stand out from: so many usual ones are added.
_USUAL_NEAR, _USUAL_WORDED = 4.0, 3.0
# Nothing smaller was fitted on. Above the other, a larger scope brings more that answers, too.
_LEAST_SCOPE, _MOST_SCOPE = 30, 1_000
# BM25 of a usual second passage, as a share of the best.
_USUAL_SECOND = 0.7
# Of what one passage has of a question: the nearest window counts twice as much as the rest.
_HELD, _WINDOW, _NEAR = 0.5, 1.0, 0.5
# How far the only passage stands out from others.
_USUAL_LEAD = 0.15


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
class Relevance:
    """How relevant an answer is, and each of its passages, in their order.

    Attributes:
        passages: none is more relevant than one before it.
    """

    answer: float
    passages: tuple[float, ...]


def relevance(
    question: str,
    passages: Sequence[Found],
    evidence: Evidence,
    calibration: Calibration,
    vectors: WordVectors | None = None,
) -> Relevance:
    """Judge an answer by its best passages, `JUDGED` or all that there are.

    Args:
        vectors: needed where the wording was fitted.
    """
    if not passages:
        return Relevance(0.0, ())
    asked = Asked(question, passages, evidence, calibration, vectors)
    each = map(calibration.passage.probability, map(asked.figures_of, range(len(passages))))
    return Relevance(calibration.answer.probability(asked.figures), tuple(in_order(list(each))))


def in_order(found: Sequence[float]) -> list[float]:
    """The relevance of passages, none above that of one before it (isotonic regression).

    That a passage stands behind others says something of it too, and of them: where one is above
    those before it, all of them get their mean. The first `JUDGED` are judged whatever follows.
    """
    blocks: list[tuple[float, int]] = []
    for number, value in enumerate(found):
        last = (value if number < JUDGED else min(value, blocks[-1][0]), 1)
        while blocks and blocks[-1][0] < last[0]:
            mean, count = blocks.pop()
            total = count + last[1]
            last = ((mean * count + last[0] * last[1]) / total, total)
        blocks.append(last)
    return [mean for mean, count in blocks for _ in range(count)]


class Asked:
    """A question beside what was found: the figures that a calibration is over.

    Args:
        passages: best first.
    """

    def __init__(
        self,
        question: str,
        passages: Sequence[Found],
        evidence: Evidence,
        calibration: Calibration,
        vectors: WordVectors | None = None,
    ) -> None:
        self._weights = weights(question)
        self._all = sum(self._weights.values())
        self._passages, self._evidence = passages, evidence
        self._similar = calibration.similarities
        self._usual = calibration.usual_similarity
        self._background = evidence.background(self._usual)
        texts = [" ".join([*each.heading_path, each.context, each.text]) for each in passages]
        wording = self._wordings(question, texts, vectors)
        self._has = [self._had(*each) for each in zip(wording, passages, strict=True)]
        self._covered = [each.held for each in wording]

    @property
    def figures(self) -> dict[str, float]:
        """Of the whole answer."""
        nearest = max(self._evidence.near, default=0.0)
        *others, best = sorted(self._has[:JUDGED]) or [0.0]
        mean = sum(others) / len(others) if others else best - _USUAL_LEAD
        return {
            "has": best,
            "has_alone": best - mean,
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
        return {
            "has": self._has[number],
            "covered": self._covered[number],
            "by_meaning": 1 / passage.vector_rank if passage.vector_rank else 0.0,
            "by_words": 1 / passage.text_rank if passage.text_rank else 0.0,
            "small_scope": self._evidence.small_scope,
            "length": log(1 + len(self._weights)),
        }

    def _had(self, wording: Wording, passage: Found) -> float:
        """How much of the question one passage has, in its words and by its similarity."""
        near = self._background if passage.similarity is None else passage.similarity
        near = near if self._similar else self._usual
        return _HELD * wording.held + _WINDOW * wording.window + _NEAR * near

    def _wordings(
        self, question: str, texts: Sequence[str], vectors: WordVectors | None
    ) -> list[Wording]:
        if vectors is None:
            return [Wording(self._share(self._weights.keys() & set(terms(t))), 0.0) for t in texts]
        # No more at once than are judged: what many would need of memory, and their sums, which
        # would depend on how many are wanted.
        batches = (texts[at : at + JUDGED] for at in range(0, len(texts), JUDGED))
        return [
            each for some in batches for each in wordings(question, self._weights, some, vectors)
        ]

    def _share(self, held: set[str]) -> float:
        """The share of what is asked that stands in a passage, by rarity."""
        return sum(self._weights[term] for term in sorted(held)) / self._all if self._all else 0.0
