"""Detects that a figure has risen: a jump that stays, a shift of level, a slow trend.

Figures are compared as logarithms, so that twice as much is as far from usual at any level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.foresight.baseline import Baseline, baseline
from pipeline.foresight.measures import Level
from pipeline.foresight.series import HOURS_A_DAY, Flags, Values
from pipeline.foresight.statistics import median, sums, theil_sen, until

_JUMP_Z = 3.5
_JUMP_HOURS, _JUMP_OF = 3, 4
_LEAP_Z, _LEAP_RATIO = 7.0, 2.0
_LEAP_HOURS, _LEAP_OF = 2, 3
_SHIFT_WINDOWS = (8, 16, 32)
_SHIFT_SLACK, _SHIFT_CUT, _SHIFT_LIMIT = 1.25, 4.0, 12.0
_SHIFT_RATIO = 1.3
_TREND_DAYS = 14
_TREND_Z = 3.2
_TREND_RATIO = 1.4


@dataclass(frozen=True, slots=True, eq=False)
class Risen:
    """Where a figure is too high, hour by hour.

    Attributes:
        jump: three of the last four hours far above what is usual, or two very far.
        shift: less, but for long (a scan with CUSUM's sum).
        trend: it grows from day to day (Theil and Sen, with Mann and Kendall's test).
        usual: in the measure's unit.
    """

    jump: Values
    shift: Values
    trend: Values
    usual: Values

    @property
    def any(self) -> Flags:
        """Whether it is too high by any of them."""
        found: Flags = (self.jump + self.shift + self.trend) > 0
        return found


def risen(values: Values, counts: Values, rule: Level) -> Risen:
    """Where hourly values are too high by a rule, each hour judged by the hours before."""
    measured = np.where(counts >= rule.observations, values, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(measured + rule.zero)
    logs[~np.isfinite(logs)] = np.nan
    usual = baseline(logs, rule.spread)
    high = measured >= rule.least
    off = logs - usual.usual
    return Risen(
        _jump(off, off / usual.spread, high, rule),
        _shift(off, off / usual.spread, high),
        _trend(logs, usual, high),
        np.exp(usual.usual) - rule.zero,
    )


def _jump(off: Values, z: Values, high: Flags, rule: Level) -> Values:
    hot = (z > _JUMP_Z) & (off > np.log(rule.ratio)) & high
    leap = hot & (z > _LEAP_Z) & (off > np.log(rule.ratio * _LEAP_RATIO))
    often = sums(hot.astype(float), _JUMP_OF) >= _JUMP_HOURS
    return (often | (sums(leap.astype(float), _LEAP_OF) >= _LEAP_HOURS)).astype(float)


def _shift(off: Values, z: Values, high: Flags) -> Values:
    found = np.zeros(len(z))
    known = (~np.isnan(z)).astype(float)
    excess = np.minimum(z, _SHIFT_CUT) - _SHIFT_SLACK
    for hours in _SHIFT_WINDOWS:
        number = np.maximum(sums(known, hours), 1)
        mean = sums(off, hours) / number
        often = sums(np.where(high, known, 0.0), hours) > number / 2
        found += (sums(excess, hours) > _SHIFT_LIMIT) & (mean > np.log(_SHIFT_RATIO)) & often
    return (found > 0).astype(float)


def _trend(logs: Values, usual: Baseline, high: Flags) -> Values:
    even = logs - usual.season
    hours = _TREND_DAYS * HOURS_A_DAY
    days, _ = median(until(even, hours).reshape(len(logs), _TREND_DAYS, HOURS_A_DAY))
    slope, z = theil_sen(days)
    enough = np.count_nonzero(~np.isnan(days), axis=1) >= _TREND_DAYS * 0.7
    growth = slope * (_TREND_DAYS - 1)
    often = sums(high.astype(float), HOURS_A_DAY) > 0
    rises = (z > _TREND_Z) & (growth > np.log(_TREND_RATIO))
    found: Values = (enough & rises & often).astype(float)
    return found
