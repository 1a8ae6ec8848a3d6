"""Finds what is unusual now in a set of series: one finding for each series that is not well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from pipeline.foresight.levels import Risen, risen
from pipeline.foresight.measures import LEVELS, SHARES, AlertKind, Measure
from pipeline.foresight.series import HOURS_A_DAY, Series, Values
from pipeline.foresight.shares import MoreWrong, more_wrong

LEAST_DAYS = 7
"""Of history, below which nothing is called unusual."""

RECALL_LOW = 0.95
RECALL_FALL = 0.03

_RECENT = 3
_SINCE_HOURS = 48


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure that is not as it was.

    Attributes:
        now: the median of the last three hours; of a share, that of the window judged.
        usual: what it would be; both in `unit`.
        since: the end of the first hour of this alarm, within two days.
        how: jump, shift, trend, share, low.
    """

    kind: AlertKind
    measure: Measure
    subject: str
    title: str
    unit: str
    now: float
    usual: float
    since: datetime
    how: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


def alarms(series: Series) -> Values:
    """For each hour whether the series is unusual then, judged by the hours before; 0 or 1."""
    if (level := LEVELS.get(series.measure)) is not None:
        return risen(series.values, series.counts, level).any.astype(float)
    if (share := SHARES.get(series.measure)) is not None:
        return more_wrong(series.hits, series.counts, share).found
    if series.measure is Measure.RECALL:
        return _recall_low(series.values)
    return np.zeros(len(series.values))


def find(all_series: Iterable[Series]) -> list[Finding]:
    """What is unusual in the last hour."""
    return [found for each in all_series for found in _find(each)]


def _find(series: Series) -> Iterator[Finding]:
    if series.measure is Measure.RECALL:
        yield from _of_recall(series)
    elif series.days < LEAST_DAYS:
        return
    elif (level := LEVELS.get(series.measure)) is not None:
        found = risen(series.values, series.counts, level)
        if found.any[-1]:
            yield Finding(
                level.kind, series.measure, series.subject, level.title.format(series.subject),
                level.unit, _recent(series.values), _last(found.usual),
                _since(series, found.any.astype(float)), _how(found),
            )  # fmt: skip
    elif (share := SHARES.get(series.measure)) is not None:
        wrong = more_wrong(series.hits, series.counts, share)
        if wrong.found[-1]:
            yield _of_share(series, share.kind, share.title, wrong)


def _of_share(series: Series, kind: AlertKind, title: str, wrong: MoreWrong) -> Finding:
    day = {"of": int(np.nansum(series.counts[-HOURS_A_DAY:])),
           "bad": int(np.nansum(series.hits[-HOURS_A_DAY:]))}  # fmt: skip
    return Finding(
        kind, series.measure, series.subject, title.format(series.subject), "share",
        float(wrong.seen[-1]), float(wrong.usual[-1]), _since(series, wrong.found), "share",
        {"in_the_last_day": day},
    )  # fmt: skip


def _of_recall(series: Series) -> Iterator[Finding]:
    low = _recall_low(series.values)
    if len(low) and low[-1]:
        seen = series.values[~np.isnan(series.values)]
        yield Finding(
            AlertKind.RECALL, series.measure, series.subject,
            f"Searches ({series.subject}) find less of what is nearest: they find", "share",
            float(seen[-1]), float(np.median(seen[:-1])) if len(seen) > 1 else 1.0,
            _since(series, low), "low",
        )  # fmt: skip


def _recall_low(values: Values) -> Values:
    """Measured about once a day: low by itself, or three times lower than it was."""
    found = np.zeros(len(values))
    known = np.flatnonzero(~np.isnan(values))
    for number, index in enumerate(known):
        seen = values[known[: number + 1]]
        fallen = len(seen) > 2 * _RECENT and (
            np.max(seen[-_RECENT:]) < np.median(seen[:-_RECENT]) - RECALL_FALL
        )
        following = known[number + 1] if number + 1 < len(known) else len(values)
        found[index:following] = float(seen[-1] < RECALL_LOW or fallen)
    return found


def _how(found: Risen) -> str:
    if found.jump[-1]:
        return "jump"
    return "shift" if found.shift[-1] else "trend"


def _recent(values: Values) -> float:
    seen = values[~np.isnan(values)][-_RECENT:]
    return float(np.median(seen)) if len(seen) else float("nan")


def _last(values: Values) -> float:
    seen = values[~np.isnan(values)]
    return float(seen[-1]) if len(seen) else float("nan")


def _since(series: Series, alarm: Values) -> datetime:
    quiet = np.flatnonzero(alarm[-_SINCE_HOURS:] == 0)
    first = len(alarm) - min(len(alarm), _SINCE_HOURS) + (int(quiet[-1]) + 1 if len(quiet) else 0)
    return series.at(first)
