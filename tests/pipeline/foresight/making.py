"""Makes series of hours for the tests of foresight."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from pipeline.foresight.measures import Measure
from pipeline.foresight.series import HOURS_A_DAY, Series, gauge, share

END = datetime(2026, 5, 4, tzinfo=UTC)
DAYS = 42


def latency(
    change: Callable[[np.ndarray], None] = lambda values: None,
    *,
    measure: Measure = Measure.SERVICE_TIME,
    subject: str = "openai",
    days: int = DAYS,
) -> Series:
    """A second, more at noon, with some noise; changed in place."""
    random = np.random.default_rng(7)
    hours = np.arange(days * HOURS_A_DAY)
    values = 1 + 0.3 * np.sin(hours % HOURS_A_DAY / HOURS_A_DAY * np.pi)
    values *= np.exp(random.normal(0, 0.05, len(hours)))
    change(values)
    return Series(measure, subject, END, values, np.full(len(hours), 40.0))


def failures(
    change: Callable[[np.ndarray], None] = lambda hits: None,
    *,
    measure: Measure = Measure.SERVICE_FAILURES,
    subject: str = "openai",
    days: int = DAYS,
) -> Series:
    """One of a hundred fails; changed in place."""
    random = np.random.default_rng(8)
    counts = np.full(days * HOURS_A_DAY, 40.0)
    hits = random.binomial(40, 0.01, len(counts)).astype(float)
    change(hits)
    return share(measure, subject, END, hits, counts)


def falling(free: float, a_day: float, *, days: int = 28, subject: str = "/home") -> Series:
    """Free bytes that fall evenly to `free`."""
    hours = np.arange(days * HOURS_A_DAY)[::-1]
    return gauge(Measure.DISK_FREE, subject, END, free + hours * a_day / HOURS_A_DAY)


def level(measure: Measure, value: float, *, days: int = DAYS, subject: str = "all") -> Series:
    """Always the same."""
    return gauge(measure, subject, END, np.full(days * HOURS_A_DAY, value))
