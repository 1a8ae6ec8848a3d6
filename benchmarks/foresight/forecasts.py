"""Measures forecasts against what then happened: when the disk was full, what the month cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from pipeline.foresight.capacity import month, peak, room
from pipeline.foresight.measures import Measure
from pipeline.foresight.series import HOURS_A_DAY, HOURS_A_WEEK, Values, gauge

_BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
_DAYS = 140
_HISTORY_DAYS = (14, 35)
_AHEAD_DAYS = (3.0, 30.0)
GIB = 1024.0**3


@dataclass(frozen=True)
class Errors:
    """How far forecasts were off, as shares of the truth.

    Attributes:
        silent: forecasts that said nothing though it came within their reach.
    """

    name: str
    errors: Values
    silent: int

    @property
    def median(self) -> float:
        """Half of the forecasts were nearer."""
        return float(np.median(self.errors))

    @property
    def within(self) -> float:
        """The share of the forecasts within 15 %."""
        return float(np.sum(self.errors <= 0.15)) / max(1, len(self.errors) + self.silent)


def measure(seeds: Iterable[int]) -> list[Errors]:
    """The errors of every forecast, over one simulated history a seed and forecast."""
    chosen = list(seeds)
    return [
        _errors("the disk is full", [each for seed in chosen for each in _disk(seed)]),
        _errors("what the month costs", [each for seed in chosen for each in _month(seed)]),
        _errors("the token budget binds", [each for seed in chosen for each in _tokens(seed)]),
    ]


def _errors(name: str, found: list[float | None]) -> Errors:
    known = np.array([each for each in found if each is not None])
    return Errors(name, known, sum(each is None for each in found))


def _use(random: np.random.Generator, growth: float) -> Values:
    """Of each hour: a working day's shape, weekdays, growth by the week, bursts."""
    hours = _DAYS * HOURS_A_DAY
    hour = np.arange(hours) % HOURS_A_DAY
    shape = np.exp(-(((hour - 13) / 4) ** 2))
    weekend = np.where(np.arange(hours) // HOURS_A_DAY % 7 >= 5, random.uniform(0, 0.6), 1.0)
    grown = (1 + growth) ** (np.arange(hours) / HOURS_A_WEEK)
    busy = random.gamma(2, 1 / 2, hours)
    for _ in range(int(random.integers(0, 5))):
        busy[random.integers(0, hours)] *= random.uniform(5, 20)
    found: Values = shape * weekend * grown * busy
    return found


def _disk(seed: int) -> Iterator[float | None]:
    """Free bytes, with files that come and go, and a clean-up once in a while."""
    random = np.random.default_rng([1, seed])
    use = _use(random, random.uniform(0, 0.06))
    free = random.uniform(0.35, 0.6) * use.sum() - np.cumsum(use)
    if random.random() < 0.5:
        at = int(random.integers(5 * HOURS_A_DAY, 30 * HOURS_A_DAY))
        free[at:] += random.uniform(0.02, 0.08) * use.sum()
    full = int(np.argmax(free <= 0))
    shown = free - random.exponential(0.3, len(free)) * use.mean()
    shown[random.random(len(free)) < 0.02] = np.nan
    gap = int(random.integers(0, full))
    shown[gap : gap + int(random.choice([0, 6, 30]))] = np.nan
    for _ in range(4):
        left = random.uniform(*_AHEAD_DAYS)
        now = full - int(left * HOURS_A_DAY)
        history = int(random.uniform(*_HISTORY_DAYS) * HOURS_A_DAY)
        if now < history or np.isnan(shown[now]):
            continue
        end = _BEGAN + timedelta(hours=now + 1)
        values = np.maximum(shown[now + 1 - history : now + 1], 0)
        found = room(gauge(Measure.DISK_FREE, "disk", end, values), "disk", "bytes")
        if found.full_at is None:
            yield None
        else:
            told = (found.full_at - end) / timedelta(days=1)
            yield abs(told - left) / left


def _month(seed: int) -> Iterator[float | None]:
    """Dollars by the hour; asked at some day of the second month, judged at its end."""
    random = np.random.default_rng([2, seed])
    dollars = _use(random, random.uniform(0, 0.06))
    starts = int((datetime(2026, 4, 1, tzinfo=UTC) - _BEGAN) / timedelta(hours=1))
    truth = dollars[starts : starts + 30 * HOURS_A_DAY].sum()
    for _ in range(4):
        now = starts + int(random.uniform(3, 27) * HOURS_A_DAY)
        end = _BEGAN + timedelta(hours=now)
        series = gauge(Measure.SPENT, "all", end, dollars[max(0, now - 35 * HOURS_A_DAY) : now])
        told, known = month(series, float(dollars[starts:now].sum()))
        yield abs(told - truth) / truth if known else None


def _tokens(seed: int) -> Iterator[float | None]:
    """Tokens by the hour of a service whose limit binds when the fifth busiest hour reaches it."""
    random = np.random.default_rng([3, seed])
    growth = random.uniform(0.04, 0.12)
    hours = _DAYS * HOURS_A_DAY
    hour = np.arange(hours) % HOURS_A_DAY
    tokens = np.exp(-(((hour - 13) / 4) ** 2)) * (1 + growth) ** (np.arange(hours) / HOURS_A_WEEK)
    tokens *= np.where(np.arange(hours) // HOURS_A_DAY % 7 >= 5, 0.2, 1)
    tokens *= random.gamma(20, 1 / 20, hours)
    weeks = int(random.integers(5, 8))
    now = weeks * HOURS_A_WEEK
    left = random.uniform(14, 60)
    clean = (1 + growth) ** (np.arange(hours) / HOURS_A_WEEK)
    scale = np.median([
        np.sort(tokens[start : start + HOURS_A_WEEK])[-5] / clean[start + HOURS_A_WEEK // 2]
        for start in range(0, now, HOURS_A_WEEK)
    ])  # fmt: skip
    limit = scale * clean[min(hours - 1, now + int(left * HOURS_A_DAY))]
    end = _BEGAN + timedelta(hours=now)
    found = peak(gauge(Measure.TOKENS, "openai", end, tokens[:now]), "tokens", "tokens", limit)
    if found.full_at is None:
        yield None
    else:
        yield abs((found.full_at - end) / timedelta(days=1) - left) / left
