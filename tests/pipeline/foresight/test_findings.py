"""What is unusual is found, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from pipeline.foresight.findings import alarms, find
from pipeline.foresight.measures import AlertKind, Measure
from pipeline.foresight.series import Series, gauge, share
from tests.pipeline.foresight.making import END, failures, latency, level


def test_what_is_usual_is_not_found() -> None:
    """A season and noise are no news."""
    assert find([latency(), failures()]) == []


def test_a_jump_is_found_with_what_is_usual_and_since_when() -> None:
    """A service that answers three times slower for six hours."""

    def slow(values: np.ndarray) -> None:
        values[-6:] *= 3

    [found] = find([latency(slow)])
    assert (found.kind, found.subject, found.how) == (AlertKind.LATENCY, "openai", "jump")
    assert found.now / found.usual == pytest.approx(3, rel=0.2)
    assert END - timedelta(hours=5) <= found.since <= END - timedelta(hours=3)


def test_one_odd_hour_is_no_news() -> None:
    """A single hour ten times slower is nobody's incident."""

    def odd(values: np.ndarray) -> None:
        values[-2] *= 10

    assert find([latency(odd)]) == []


def test_a_slow_degradation_is_found() -> None:
    """A latency that doubles within two weeks, and on no day by much."""

    def grows(values: np.ndarray) -> None:
        values[-14 * 24 :] *= np.linspace(1, 2, 14 * 24)

    [found] = find([latency(grows)])
    assert found.how in ("shift", "trend")


def test_the_hour_of_the_day_counts() -> None:
    """Every night is slow, so a slow night is usual, and the same at noon is not."""

    def nights(values: np.ndarray) -> None:
        hours = np.arange(len(values)) % 24
        values[(hours >= 20) & (hours < 24)] *= 4

    def noon(values: np.ndarray) -> None:
        nights(values)
        values[-14:-8] *= 4

    assert not alarms(latency(nights))[7 * 24 + 24 :].any()
    assert alarms(latency(noon))[-12:-6].any()


def test_too_little_history_raises_nothing() -> None:
    """Six days are no week, however odd the last hours are."""

    def slow(values: np.ndarray) -> None:
        values[-6:] *= 5

    def fail(hits: np.ndarray) -> None:
        hits[-6:] = 30

    assert find([latency(slow, days=6), failures(fail, days=6)]) == []


def test_more_failures_than_usual_are_found() -> None:
    """A fifth of the calls fails, for five hours."""

    def fail(hits: np.ndarray) -> None:
        hits[-5:] = 8

    [found] = find([failures(fail)])
    assert (found.kind, found.how) == (AlertKind.FAILURES, "share")
    assert found.now == pytest.approx(0.2)
    assert found.usual < 0.03


def test_one_bad_hour_of_failures_is_a_burst() -> None:
    """A single hour in which most calls fail is left to the circuit breaker."""

    def burst(hits: np.ndarray) -> None:
        hits[-1] = 30

    assert find([failures(burst)]) == []


def test_nights_without_any_traffic_are_no_news() -> None:
    """Where nothing is measured nothing is judged; a morning is compared with mornings."""

    def gone(series: Series) -> Series:
        hours = np.arange(len(series.values)) % 24
        night = (hours < 8) | (hours > 18)
        counts = np.where(night, 0.0, series.counts)
        return Series(series.measure, series.subject, series.end,
                      np.where(night, np.nan, series.values), counts)  # fmt: skip

    assert find([gone(latency())]) == []
    quiet = failures()
    hours = np.arange(len(quiet.counts)) % 24
    counts = np.where(hours < 12, 0.0, quiet.counts)
    hits = np.where(hours < 12, 0.0, quiet.hits)
    assert find([share(quiet.measure, "openai", END, hits, counts)]) == []


def test_a_queue_is_stalled_only_from_a_quarter_of_an_hour() -> None:
    """Ten times as long as usual is no matter while it is minutes."""

    def queue(last: float) -> Series:
        series = level(Measure.QUEUE_AGE, 20.0)
        series.values[-4:] = last
        return series

    assert find([queue(600.0)]) == []
    [found] = find([queue(5000.0)])
    assert found.kind is AlertKind.QUEUE


def test_low_recall_is_found_at_once() -> None:
    """It is measured once a day, and one low figure is enough."""
    values = np.full(20 * 24, np.nan)
    values[::24] = 0.99
    assert find([gauge(Measure.RECALL, "space", END, values)]) == []
    values[-24] = 0.9
    [found] = find([gauge(Measure.RECALL, "space", END, values)])
    assert (found.kind, found.now) == (AlertKind.RECALL, 0.9)


def test_an_alarm_is_made_of_the_hours_before_alone() -> None:
    """What comes later changes no alarm: the benchmark judges what production would have told."""

    def slow(values: np.ndarray) -> None:
        values[600:620] *= 3

    whole = latency(slow)
    part = Series(whole.measure, whole.subject, END, whole.values[:700], whole.counts[:700])
    assert np.array_equal(alarms(whole)[:700], alarms(part))
