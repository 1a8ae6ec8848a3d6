"""When something is full."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline.foresight.capacity import emptied, month, peak, room
from pipeline.foresight.measures import Measure
from pipeline.foresight.series import gauge
from tests.pipeline.foresight.making import END, falling, level


def days(until: datetime | None) -> float:
    assert until is not None
    return (until - END) / timedelta(days=1)


def test_a_disk_that_fills_evenly_is_full_when_it_is() -> None:
    """Twelve days of room at this rate are twelve days."""
    found = room(falling(12e9, 1e9), "disk", "bytes")
    assert days(found.full_at) == pytest.approx(12, abs=0.5)
    assert found.a_day == pytest.approx(-1e9, rel=0.05)


def test_a_clean_up_is_no_rate() -> None:
    """Room that came back at once changes what is left, not how fast it goes."""
    series = falling(12e9, 1e9)
    series.values[: -10 * 24] -= 8e9
    assert days(room(series, "disk", "bytes").full_at) == pytest.approx(12, abs=1)


def test_a_runaway_is_told_within_hours() -> None:
    """What eats a tenth of the room an hour is not judged by the weeks before."""
    series = falling(100e9, 1e9)
    series.values[-8:] -= np.arange(8) * 8e9
    found = room(series, "disk", "bytes")
    assert days(found.full_at) < 1


def test_a_disk_that_does_not_fill_is_never_full() -> None:
    """No growth, no date."""
    found = room(level(Measure.DISK_FREE, 1e9), "disk", "bytes")
    assert (found.full_at, found.too_little) == (None, False)


def test_three_days_of_history_are_too_few() -> None:
    """It says so, and no date."""
    found = room(falling(12e9, 1e9, days=3), "disk", "bytes")
    assert (found.full_at, found.too_little) == (None, True)


def test_a_budget_binds_when_the_busiest_hours_reach_it() -> None:
    """Ten percent more a week reach the double in 7.3 weeks."""
    hours = np.arange(6 * 168)
    busy = np.where(hours % 24 == 12, 100.0, 10.0) * 1.1 ** (hours / 168)
    series = gauge(Measure.TOKENS, "openai", END, busy)
    found = peak(series, "tokens", "tokens", 2 * 100 * 1.1**6)
    assert days(found.full_at) == pytest.approx(7.27 * 7, rel=0.1)
    assert peak(series, "tokens", "tokens", 100.0).full_at == END
    even = level(Measure.TOKENS, 50.0)
    assert peak(even, "tokens", "tokens", 100.0).full_at is None


def test_a_queue_is_empty_when_it_is_or_never() -> None:
    """A hundred documents, ten more done an hour than come; or fewer."""
    waiting = level(Measure.WAITING, 100.0)
    slow, fast = level(Measure.ARRIVED, 5.0), level(Measure.FINISHED, 15.0)
    found = emptied(waiting, slow, fast)
    assert found.full_at == END + timedelta(hours=10)
    assert emptied(waiting, fast, slow).full_at is None


def test_a_month_is_what_was_spent_and_what_is_left() -> None:
    """Two dollars a day on the tenth make sixty by the end of a month of thirty days."""
    end = datetime(2026, 4, 11, tzinfo=UTC)
    series = gauge(Measure.SPENT, "all", end, np.full(40 * 24, 2 / 24))
    told, known = month(series, 20.0)
    assert known
    assert told == pytest.approx(60, rel=0.01)
    short = gauge(Measure.SPENT, "all", end, np.full(3 * 24, 2 / 24))
    assert month(short, 6.0) == (6.0, False)
