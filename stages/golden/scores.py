"""Scores of rankings against golden questions, and how sure they are (bootstrap over questions)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

RESAMPLES = 2000
_SEED = 20_261_127
"""Fixed: the same answers give the same interval."""


@dataclass(frozen=True, slots=True)
class Score:
    """How one question was answered, each from 0 to 1."""

    ndcg: float
    recall: float


def score(found: Sequence[int | None], expected: int) -> Score:
    """nDCG and recall of a ranking.

    Args:
        found: for each place the expectation that the passage meets, else None.
        expected: how many there are.
    """
    gain = sum(1 / log2(place + 2) for place, met in enumerate(found) if met is not None)
    best = sum(1 / log2(place + 2) for place in range(min(expected, len(found)) or 1))
    met = len({each for each in found if each is not None})
    return Score(gain / best, met / expected)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the interval that holds it in 95 of 100 draws of the questions."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float]) -> Interval:
    """The mean of values, one a question, with its bootstrap interval."""
    given = np.asarray(values, dtype=np.float64)
    if not len(given):
        return Interval(0.0, 0.0, 0.0)
    draws = np.random.default_rng(_SEED).integers(0, len(given), (RESAMPLES, len(given)))
    low, high = np.percentile(given[draws].mean(axis=1), [2.5, 97.5])
    return Interval(float(given.mean()), float(low), float(high))


def difference(before: Sequence[float], after: Sequence[float]) -> Interval:
    """The mean of what each question gained, in pairs, with its bootstrap interval."""
    return interval([now - then for then, now in zip(before, after, strict=True)])
