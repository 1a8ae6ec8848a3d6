"""Forecasts when something is full: room, a budget, a backlog; and what a month will cost.

What is used grows by the day, more on some days of the week than on others, and in jumps when
somebody tidies up. So the increments of whole days are learned, jumps left out, each day of the
week by itself where there are weeks enough; and what is left is walked down day by day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from pipeline.foresight.series import HOURS_A_DAY, Series, Values
from pipeline.foresight.statistics import TO_DEVIATION, median, theil_sen, until

LEAST_DAYS = 7
"""Of history, below which nothing is forecast."""

HORIZON_DAYS = 120
"""Beyond it, it is not said when."""

_LEARNED_DAYS = 28
_WEEK = 7
_JUMP_DEVIATIONS = 8.0
_LEAST_GROWTH_WEEKS = 3
_LEAST_COMPOUND_WEEKS = 4
_TRUST = 0.4
"""So much of a growth seen over few weeks is believed: more forecasts worse (measured)."""

_BUSY_HOURS = 5
_RUNAWAY_HOURS, _RUNAWAY_AHEAD_HOURS = 6, 48
_LEAST_GROWTH = 0.01
_LEAST_SPREAD = 0.05
_LEAST_ORDER = 1.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """When something is at its limit, at this rate.

    Attributes:
        now: what is used, or what is left of room.
        limit: what it reaches; 0 of what is left.
        a_day: how much it changes in a day, the mean of the next week.
        full_at: None: not within the horizon, or it is not known.
        days_of_history: what it is judged by.
        too_little: there is too little history to say anything.
    """

    kind: str
    subject: str
    unit: str
    now: float
    limit: float
    a_day: float
    full_at: datetime | None
    days_of_history: float
    too_little: bool = False


def daily_use(series: Series, *, falling: bool) -> Values:
    """What was used on each of the last days, oldest first, without jumps.

    Args:
        falling: the figure is what is left, so use makes it less.
    """
    days = min(int(series.days), _LEARNED_DAYS)
    hours = series.values[-(days * HOURS_A_DAY + 1) :] if days else series.values[:0]
    if len(hours) < HOURS_A_DAY + 1:
        return np.empty(0)
    # At the end of each day, the median of three hours: files that come and go are no use.
    steady, _ = median(until(_filled(hours), 3))
    ends = steady[::-1][::HOURS_A_DAY][::-1]
    return _without_jumps(np.diff(ends) * (-1 if falling else 1))


def _filled(values: Values) -> Values:
    """With straight lines over what was not measured."""
    known = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(len(values)), known, values[known])


def _without_jumps(use: Values) -> Values:
    """Days unlike all others, as when somebody tidied up, are taken for usual ones."""
    middle = np.median(use)
    spread = max(TO_DEVIATION * np.median(np.abs(use - middle)), _LEAST_SPREAD * abs(middle))
    far = (use - middle) < -_JUMP_DEVIATIONS * spread
    usual = use[~far]
    return np.where(far, usual.mean() if len(usual) else middle, use)


def rates(use: Values) -> tuple[Values, float]:
    """The use of each of the next seven days, and by how much a week grows over the one before."""
    if len(use) < _WEEK:
        return np.full(_WEEK, use.mean() if len(use) else 0.0), 1.0
    weeks = len(use) // _WEEK
    table = use[-weeks * _WEEK :].reshape(weeks, _WEEK)
    totals = table.sum(axis=1)
    growth = 1.0
    if weeks >= _LEAST_COMPOUND_WEEKS and np.all(totals > 0):
        slope, _ = theil_sen(np.log(totals)[None, :])
        growth = float(np.clip(np.exp(_TRUST * slope[0]), 0.85, 1.25))
    # As if all weeks were as large as the next one.
    scaled = table * (growth ** np.arange(weeks, 0, -1))[:, None]
    return _of_weekdays(scaled), growth


def _of_weekdays(table: Values) -> Values:
    """Each day of the week drawn towards the mean, as far as its weeks disagree."""
    each: Values = table.mean(axis=0)
    overall = each.mean()
    noise = float(table.std(axis=0, ddof=1).mean()) ** 2 / len(table) if len(table) > 1 else 0.0
    between = float(each.var())
    trust = between / (between + noise) if between + noise > 0 else 0.0
    found: Values = overall + trust * (each - overall)
    return found


def days_until(left: float, week: Values, growth: float) -> float | None:
    """Days until so much is used, by the use of the days of a week; None beyond the horizon."""
    for day in range(HORIZON_DAYS):
        use = float(week[day % _WEEK]) * growth ** (day // _WEEK)
        if use >= left > 0:
            return day + left / use
        left -= use
        if left <= 0:
            return float(day)
    return None


def room(series: Series, kind: str, unit: str, limit: float = 0.0) -> Forecast:
    """When room is used up: a figure that falls to `limit`."""
    return _reached(series, kind, unit, limit, falling=True)


def growth_to(series: Series, kind: str, unit: str, limit: float) -> Forecast:
    """When what grows reaches `limit`."""
    return _reached(series, kind, unit, limit, falling=False)


def _reached(series: Series, kind: str, unit: str, limit: float, *, falling: bool) -> Forecast:
    seen = series.values[~np.isnan(series.values)]
    now = float(seen[-1]) if len(seen) else float("nan")
    use = daily_use(series, falling=falling)
    left = now - limit if falling else limit - now
    if series.days < LEAST_DAYS or len(use) < LEAST_DAYS:
        soon = _runaway(series, left, falling=falling)
        return Forecast(kind, series.subject, unit, now, limit, 0.0, soon, series.days, True)
    week, growth = rates(use)
    days = days_until(left, week, growth) if week.sum() > 0 else None
    at = None if days is None else series.end + timedelta(days=days)
    soon = _runaway(series, left, falling=falling)
    if soon is not None and (at is None or soon < at):
        at = soon
    sign = -1 if falling else 1
    return Forecast(kind, series.subject, unit, now, limit, sign * float(week.mean()), at,
                    series.days)  # fmt: skip


def _runaway(series: Series, left: float, *, falling: bool) -> datetime | None:
    """When it is full if all goes on as in the last six hours, where that is within two days."""
    values = series.values[-_RUNAWAY_HOURS - 1 :]
    if len(values) <= _RUNAWAY_HOURS or np.isnan(values[[0, -1]]).any():
        return None
    steps = np.diff(values[~np.isnan(values)]) * (-1 if falling else 1)
    used = float(steps.sum())
    if used <= 0 or float(steps.max()) > used / 2:  # at once: that is no rate
        return None
    hours = left / used * _RUNAWAY_HOURS
    return series.end + timedelta(hours=hours) if hours < _RUNAWAY_AHEAD_HOURS else None


def peak(series: Series, kind: str, unit: str, limit: float) -> Forecast:
    """When the busiest hours of a week reach `limit`, as they grow with what is used in a week.

    A budget by the minute binds when the busiest hours do; what a week uses in all says how they
    grow, because a single hour's figure is mostly chance.
    """
    weeks = min(int(series.days), 8 * _WEEK) // _WEEK
    values = np.nan_to_num(series.values)
    now = float(np.max(values[-_WEEK * HOURS_A_DAY :], initial=0.0))
    if weeks < _LEAST_GROWTH_WEEKS:
        return Forecast(kind, series.subject, unit, now, limit, 0.0, None, series.days, True)
    table = values[-weeks * _WEEK * HOURS_A_DAY :].reshape(weeks, -1)
    totals, busy = table.sum(axis=1), np.sort(table, axis=1)[:, -_BUSY_HOURS]
    quiet = Forecast(kind, series.subject, unit, now, limit, 0.0, None, series.days)
    if not np.all(busy > 0):
        return quiet
    slope, z = theil_sen(np.log(totals)[None, :])
    a_week = float(slope[0])
    back = np.arange(weeks - 1, -1, -1) + 0.5  # from the middle of each week until now
    level = float(np.exp(np.median(np.log(busy) + a_week * back)))
    if level >= limit:
        return replace(quiet, full_at=series.end)
    if a_week < _LEAST_GROWTH or float(z[0]) < _LEAST_ORDER:
        return quiet
    days = float(np.log(limit / level)) / a_week * _WEEK
    at = series.end + timedelta(days=days) if days <= HORIZON_DAYS else None
    return replace(quiet, a_day=level * (float(np.exp(a_week / _WEEK)) - 1), full_at=at)


def emptied(waiting: Series, arrived: Series, finished: Series) -> Forecast:
    """When nothing waits any more, at the rates of the last three hours.

    Its `limit` is 0 and `full_at` is when it is reached; None with documents waiting: never.
    """
    now = float(np.nan_to_num(waiting.values)[-1]) if len(waiting.values) else 0.0
    came = float(np.nan_to_num(arrived.values)[-3:].mean()) if len(arrived.values) else 0.0
    went = float(np.nan_to_num(finished.values)[-3:].mean()) if len(finished.values) else 0.0
    hours = now / (went - came) if now > 0 and went > came else 0.0 if now <= 0 else None
    known = hours is not None and hours / HOURS_A_DAY <= HORIZON_DAYS
    at = waiting.end + timedelta(hours=hours) if known and hours is not None else None
    rate = (came - went) * HOURS_A_DAY
    return Forecast("backlog", waiting.subject, "documents", now, 0.0, rate, at, waiting.days)


def month(series: Series, spent: float) -> tuple[float, bool]:
    """What the calendar month (UTC) costs by its end, and whether that is more than a guess.

    Args:
        series: dollars by the hour.
        spent: of the month, up to the series' end.
    """
    ends = _next_month(series.end)
    days = (ends - series.end).total_seconds() / 86400
    known = int(series.days)
    if known < LEAST_DAYS:
        return spent, False
    hours = np.nan_to_num(series.values)[-min(known, _LEARNED_DAYS) * HOURS_A_DAY :]
    week, growth = rates(hours.reshape(-1, HOURS_A_DAY).sum(axis=1))
    left = 0.0
    for day in range(int(np.ceil(days))):
        share = min(1.0, days - day)
        left += share * float(week[day % _WEEK]) * growth ** (day // _WEEK)
    return spent + left, True


def _next_month(moment: datetime) -> datetime:
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
