"""Says what would be usual at an hour: the level of the last week, and the season around it.

The season is that of the hour of the week where three weeks know it, of the hour of the day where a
week does, and unknown before: then nothing is unusual. Everything at an hour is from hours before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.foresight.series import HOURS_A_DAY, HOURS_A_WEEK, Values
from pipeline.foresight.statistics import TO_DEVIATION, before, lagged, median

_WEEKS, _LEAST_WEEKS = 5, 3
_DAYS, _LEAST_DAYS = 14, 7
_SPREAD_HOURS = 14 * HOURS_A_DAY
_LEAST_RESIDUALS = 36
# A neighbor of the hour counts as the hour, so that one odd value of a week is none of the median.
_NEIGHBORS = (-1, 0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What would be usual at each hour.

    Attributes:
        usual: NaN where too little is known.
        season: its part that repeats.
        spread: a robust standard deviation of what was measured about it.
    """

    usual: Values
    season: Values
    spread: Values


def baseline(values: Values, least_spread: float) -> Baseline:
    """The baseline of hourly values, causal: at each hour from what was before it."""
    level, _ = median(before(values, HOURS_A_WEEK))
    around = values - level
    weekly, weeks = _season(around, HOURS_A_WEEK, _WEEKS)
    daily, days = _season(around, HOURS_A_DAY, _DAYS)
    season = np.where(weeks >= _LEAST_WEEKS, weekly, np.where(days >= _LEAST_DAYS, daily, np.nan))
    usual = level + season
    off, number = median(np.abs(before(values - usual, _SPREAD_HOURS)))
    spread = np.maximum(TO_DEVIATION * off, least_spread)
    known = number >= _LEAST_RESIDUALS
    return Baseline(np.where(known, usual, np.nan), season, spread)


def _season(around: Values, period: int, periods: int) -> tuple[Values, Values]:
    """The median at the same hour of earlier periods, and how many of them know it."""
    lags = [period * back + near for back in range(1, periods + 1) for near in _NEIGHBORS]
    found = lagged(around, lags)
    season, _ = median(found)
    known = ~np.isnan(found.reshape(len(around), periods, len(_NEIGHBORS))).all(axis=2)
    return season, known.sum(axis=1)
