"""Compares times by statistics: the ratio of two medians, with its interval (bootstrap).

Each side is measured several times. The interval of the ratio is what the medians of resamples
give, drawn with replacement from each side; a stage is called slower only when the whole interval
lies above the limit, and not slower only when all of it lies below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.99
"""Of each stage's interval: a verification looks at several."""
RESAMPLES = 4000
LEAST_SECONDS = 0.02
"""A stage that takes so little longer is not called slower, whatever its share: a scheduler's
time slice."""


class Speed(StrEnum):
    """What a comparison shows."""

    AS_FAST = "as fast"
    SLOWER = "slower"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class TimeRatio:
    """How one side's median compares with the baseline's.

    Attributes:
        ratio: of the medians, now to then.
        low, high: its interval.
        least_more, most_more: the interval of the difference, in the baseline's seconds.
    """

    ratio: float
    low: float
    high: float
    least_more: float
    most_more: float

    def speed(self, slower_percent: float) -> Speed:
        """Whether the interval says that it is slower by more than so many percent, or is not."""
        limit = 1 + slower_percent / 100
        if self.high <= limit or self.most_more <= LEAST_SECONDS:
            return Speed.AS_FAST
        if self.low > limit and self.least_more > LEAST_SECONDS:
            return Speed.SLOWER
        return Speed.UNCLEAR


def compare_times(
    before: Sequence[float], now: Sequence[float], scale: float, seed: int = 1
) -> TimeRatio:
    """Compare two series of one stage's times.

    Args:
        before, now: seconds divided by the reference work's, of each repetition.
        scale: seconds of the reference work then, to tell the difference in seconds.
        seed: of the resamples; the same series give the same answer.
    """
    chance = np.random.default_rng(seed)
    then, today = np.asarray(before, float), np.asarray(now, float)
    medians_then, medians_now = _medians(chance, then), _medians(chance, today)
    edges = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    low, high = np.quantile(medians_now / medians_then, edges)
    least, most = np.quantile((medians_now - medians_then) * scale, edges)
    ratio = float(np.median(today) / np.median(then))
    return TimeRatio(ratio, float(low), float(high), float(least), float(most))


def _medians(chance: np.random.Generator, values: NDArray[np.float64]) -> NDArray[np.float64]:
    drawn = chance.integers(0, len(values), (RESAMPLES, len(values)))
    return np.asarray(np.median(values[drawn], axis=1), float)
