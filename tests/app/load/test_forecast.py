"""The forecast: known laws are found again, with their error."""

from __future__ import annotations

import pytest

from app.load.forecast import Resource, forecast, latency, line
from tests.app.load.steps import step

TIMES = [1, 5, 10]


def test_a_line_is_found_again() -> None:
    """A tenth and a twentieth for each time are full at 18 times, without any error."""
    found = line(TIMES, Resource("api", [0.15, 0.35, 0.6], 1.0, "cores"), 100)
    assert (found.idle, found.demand, found.full_at) == pytest.approx((0.1, 0.05, 18))
    assert found.at_goal == pytest.approx(5.1)
    assert found.error == pytest.approx(0, abs=1e-9)


def test_a_scatter_is_told_as_error() -> None:
    """What no line fits has the root mean square of what is left over, of the largest use."""
    found = line(TIMES, Resource("api", [0.1, 0.6, 0.4], 1.0, "cores"), 100)
    measured = zip(TIMES, [0.1, 0.6, 0.4], strict=True)
    left = [used - found.idle - found.demand * x for x, used in measured]
    wanted = (sum(each**2 for each in left) / 3) ** 0.5 / 0.6
    assert found.error == pytest.approx(wanted)
    assert found.error > 0.1


def test_what_does_not_grow_is_never_full() -> None:
    """A use that falls with the load is a constant."""
    found = line(TIMES, Resource("memory", [3, 2, 1], 10, "MiB"), 100)
    assert (found.demand, found.full_at, found.at_goal) == (0, None, 2)


def test_no_use_is_less_than_nothing() -> None:
    """A steeper line than through nothing goes through nothing."""
    found = line(TIMES, Resource("api", [0.0, 0.2, 0.6], 1.0, "cores"), 100)
    assert found.idle == 0
    assert found.demand > 0


def test_a_queue_is_found_again() -> None:
    """Latencies of an open queue that is full at 20 times give its service time again."""
    measured = [50 / (1 - x / 20) for x in TIMES]
    found = latency("status", TIMES, measured, 20, 15)
    assert found.service == pytest.approx(50)
    assert found.at_goal == pytest.approx(200)
    assert found.error == pytest.approx(0, abs=1e-9)


def test_beyond_full_there_is_no_latency() -> None:
    """A load at which something is full has no steady state, and so no latency."""
    assert latency("status", TIMES, [50, 60, 90], 20, 20).at_goal is None
    assert latency("status", TIMES, [50, 60, 90], 0.5, 20).at_goal is None


def test_bottlenecks_come_in_order() -> None:
    """What is full first stands first; its load is the one beyond which nothing is steady."""
    steps = [
        step(times, cores=0.05 * times, connections=8 + times, latency=0.01) for times in (1, 5, 10)
    ]
    found = forecast(steps, 100)
    order = [each.resource.name for each in found.lines]
    assert order.index("processor of api") < order.index("connections of the database")
    full = [each.full_at for each in found.lines if each.full_at is not None]
    assert full == sorted(full)
    api = found.lines[order.index("processor of api")]
    assert api.full_at == pytest.approx(20)
    assert {each.name for each in found.latencies} == {
        "upload", "folder", "status", "search", "overview", "jobs",
    }  # fmt: skip
    assert all(each.at_goal is None for each in found.latencies)
