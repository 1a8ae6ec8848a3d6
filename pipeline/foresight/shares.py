"""Detects that more goes wrong than usual: failures of calls, quarantined documents, warnings.

Few of few are no news: what counts is how unlikely so many are, given what is usual (Chernoff's
bound of the binomial tail) and how they came in bursts before (the dispersion).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.foresight.measures import Share
from pipeline.foresight.series import HOURS_A_DAY, Flags, Values
from pipeline.foresight.statistics import before, sums, surprise, until

_WINDOWS = (2, 3, 8, 24, 72)
_LIMIT = 12.0
_LEAST_HITS = 4
_DAYS, _LEAST_DAYS = 14, 5
_WORST_DAYS = 2
_LEAST_COUNT = 30
_MOST_DISPERSION = 60.0
_LEAST_HOURS = 24


@dataclass(frozen=True, slots=True, eq=False)
class MoreWrong:
    """Where too much goes wrong, hour by hour.

    Attributes:
        found: 1 where it does.
        seen: the share in the shortest window that tells.
        usual: the share of the days before.
    """

    found: Values
    seen: Values
    usual: Values


def more_wrong(hits: Values, counts: Values, rule: Share) -> MoreWrong:
    """Where hourly `hits` of `counts` are too many by a rule, each hour judged by those before."""
    usual, dispersion, known = _usual(hits, counts, rule)
    found, seen = np.zeros(len(hits)), np.zeros(len(hits))
    for hours in _WINDOWS:
        bad, all_ = _without_worst(hits, counts, hours)
        portion = np.divide(bad, all_, out=np.zeros_like(bad), where=all_ > 0)
        here = (
            known
            & (surprise(bad, all_, usual) / dispersion > _LIMIT)
            & (portion > usual + rule.more)
            & (bad >= _LEAST_HITS)
            # it goes on: something was bad within the last quarter of the window
            & (sums(hits, max(1, hours // 4)) > 0)
        )
        seen = np.where(here & (found == 0), portion, seen)
        found += here
    return MoreWrong((found > 0).astype(float), seen, usual)


def _without_worst(hits: Values, counts: Values, hours: int) -> tuple[Values, Values]:
    """Hits and counts of the hours up to each one, but for the hour with the most hits.

    One bad hour is a burst: a batch of one sender's files, or a minute without a network.
    """
    windows, number = until(np.nan_to_num(hits), hours), until(np.nan_to_num(counts), hours)
    worst = np.argmax(np.nan_to_num(windows), axis=1)[:, None]
    bad = sums(hits, hours) - np.nan_to_num(np.take_along_axis(windows, worst, 1)[:, 0])
    all_ = sums(counts, hours) - np.nan_to_num(np.take_along_axis(number, worst, 1)[:, 0])
    return bad, np.maximum(all_, bad)


def _usual(hits: Values, counts: Values, rule: Share) -> tuple[Values, Values, Flags]:
    """The share of the two weeks before the last day, without their worst days; its dispersion."""
    shape = (len(hits), _DAYS, HOURS_A_DAY)
    size = _DAYS * HOURS_A_DAY
    bad = np.nansum(before(_earlier(hits), size).reshape(shape), axis=2)
    all_ = np.nansum(before(_earlier(counts), size).reshape(shape), axis=2)
    order = np.argsort(np.divide(bad, all_, out=np.zeros_like(bad), where=all_ > 0), axis=1)
    kept = order[:, : _DAYS - _WORST_DAYS]
    bad_kept = np.take_along_axis(bad, kept, 1)
    all_kept = np.take_along_axis(all_, kept, 1)
    total = all_kept.sum(axis=1)
    usual = (bad_kept.sum(axis=1) + 1) / (total + 2)
    # Without its worst days a share looks a little better than it is.
    usual = np.maximum(usual * 1.25, rule.usual)
    usual = np.minimum(usual, 0.95)
    known = (np.count_nonzero(all_ > 0, axis=1) >= _LEAST_DAYS) & (total >= _LEAST_COUNT)
    dispersion, judged = _dispersion(hits, counts, np.where(known, usual, np.nan))
    return usual, dispersion, known & (judged >= _LEAST_HOURS)


def _dispersion(hits: Values, counts: Values, usual: Values) -> tuple[Values, Values]:
    """How much more hours differ than chance has it (Pearson), from 1, and of how many hours."""
    chance = counts * usual * (1 - usual)
    off = np.divide((hits - counts * usual) ** 2, chance, out=np.full(len(hits), np.nan),
                    where=chance > 0)  # fmt: skip
    off = np.minimum(_earlier(off), _MOST_DISPERSION)
    size = _DAYS * HOURS_A_DAY
    hours = sums((~np.isnan(off)).astype(float), size)
    return np.maximum(sums(off, size) / np.maximum(hours, 1), 1.0), hours


def _earlier(values: Values) -> Values:
    """A day before: what is judged is not among what it is judged by."""
    return np.concatenate([np.full(HOURS_A_DAY, np.nan), values])[: len(values)]
