"""What held: each promise can be broken, by itself."""

from __future__ import annotations

from typing import Any

import pytest

from app.load.targets import checks, held
from app.load.timings import Timings
from tests.app.load.steps import step


def broken(**changes: Any) -> list[str]:
    """The promises that a load breaks."""
    return [each.name for each in checks(step(**changes)) if not each.held]


def test_a_good_load_holds() -> None:
    """Quick answers, published documents and a short queue keep every promise."""
    assert held(checks(step()))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"errors": 2}, "requests answered well"),
        ({"published": 98}, "documents published"),
        ({"late": 0.06}, "sender itself late, p95"),
        ({"oldest": 121}, "oldest waiting job"),
        ({"drained": None}, "until nothing waited"),
        ({"drained": 120.5}, "until nothing waited"),
        ({"left": {"documents": 1}}, "rows left of its users"),
        ({"accepted": 0, "published": 0}, "documents published"),
    ],
)
def test_each_promise_is_judged_alone(changes: dict[str, Any], name: str) -> None:
    """One thing that goes wrong breaks one promise, and the load does not hold."""
    assert broken(**changes) == [name]
    assert not held(checks(step(**changes)))


def test_slow_answers_break_the_promise_of_each_endpoint() -> None:
    """A p95 of 200 ms is too slow, at every endpoint."""
    names = broken(latency=0.2)
    assert len(names) == 6
    assert all(name.endswith("p95") for name in names)
    assert broken(latency=0.199) == []


def test_nothing_measured_is_no_promise_kept() -> None:
    """A load without an answer holds nothing."""
    made = step()
    made.timings.answers.clear()
    assert made.timings == Timings()
    assert not held(checks(made))
