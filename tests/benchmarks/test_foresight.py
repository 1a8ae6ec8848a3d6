"""Detection and forecasts on a few simulated histories: floors, far below what is measured."""

from __future__ import annotations

from benchmarks.foresight.detection import judge
from benchmarks.foresight.forecasts import measure
from benchmarks.foresight.table import detection_table, forecast_table

SEEDS = range(2001, 2009)


def test_incidents_are_detected_and_quiet_weeks_stay_quiet() -> None:
    """Nine of ten incidents are told, and less than one of twenty weeks without one."""
    tally = judge(SEEDS)
    assert tally.installations == len(SEEDS)
    assert sum(map(len, tally.delays.values())) > 15
    assert tally.detected >= 0.85
    assert tally.false_share < 0.03
    assert "| **all** |" in detection_table(tally)


def test_forecasts_are_near_what_happens() -> None:
    """The median error of each is below 15 %."""
    found = measure(range(2001, 2041))
    assert [each.name for each in found if each.median >= 0.15] == []
    assert forecast_table(found).count("\n") == 5
