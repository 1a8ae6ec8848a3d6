"""Who is told of an alert, and when: routes, escalation, quiet hours, grouping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from pipeline.alert_routing import AlertRouting, QuietHours, deliveries
from pipeline.alerts import Alert, Severity

RAISED = datetime(2026, 1, 15, 22, 30, tzinfo=UTC)  # 23:30 in Berlin
NIGHT = {"begin": "22:00", "end": "07:00", "timezone": "Europe/Berlin"}
CRITICAL = Alert("circuit-open", "openai", Severity.CRITICAL, "It is away.")
WARNING = Alert("run-late", "nightly", Severity.WARNING, "It does not start.")


def planned(alert: Alert, **routing: object) -> list[tuple[str, timedelta]]:
    """Each target with how long after the alert it is told."""
    made = AlertRouting.model_validate(routing)
    return [(each.target, each.due_at - RAISED) for each in deliveries(made, alert, RAISED)]


def test_the_first_route_that_fits_is_taken_with_its_steps() -> None:
    """By severity or kind; nobody is told of what fits none, or goes a way without steps."""
    escalated = [{"to": ["a", "b"]}, {"to": ["c"], "after_minutes": 9}]
    routes = [
        {"severities": ["critical"], "steps": escalated},
        {"kinds": ["run-*"], "steps": []},
        {"steps": [{"to": ["d"]}]},
    ]
    now = timedelta()
    assert planned(CRITICAL, routes=routes) == [("a", now), ("b", now), ("c", timedelta(minutes=9))]
    assert planned(WARNING, routes=routes) == []
    drift = Alert("drift-found", "local", Severity.WARNING, "It differs.")
    assert planned(drift, routes=routes) == [("d", timedelta(minutes=1))]
    assert planned(drift, routes=routes[:1]) == []


def test_at_night_only_what_is_critical_is_told() -> None:
    """The others at the end of the quiet hours, by the clock of their place."""
    routes = [{"steps": [{"to": ["a"]}, {"to": ["b"], "after_minutes": 600}]}]
    told = planned(WARNING, routes=routes, quiet_hours=NIGHT)
    assert told == [("a", timedelta(hours=7, minutes=30)), ("b", timedelta(hours=10))]
    assert planned(CRITICAL, routes=routes, quiet_hours=NIGHT)[0] == ("a", timedelta())


@pytest.mark.parametrize(
    ("clock", "over"),
    [("21:59", "21:59"), ("22:00", "07:00"), ("06:59", "07:00"), ("07:00", "07:00")],
)
def test_quiet_hours_begin_and_end_to_the_minute(clock: str, over: str) -> None:
    """Their end is no part of them."""
    hours, minutes = map(int, clock.split(":"))
    quiet = QuietHours.model_validate(NIGHT | {"timezone": "UTC"})
    assert f"{quiet.over_at(datetime(2026, 1, 15, hours, minutes, tzinfo=UTC)):%H:%M}" == over


@pytest.mark.parametrize(
    ("routing", "said"),
    [
        ({"quiet_hours": NIGHT | {"begin": 1320}}, 'in quotes, as "22:00"'),
        ({"quiet_hours": NIGHT | {"timezone": "Berlin"}}, "is no time zone"),
        ({"routes": [{"steps": [{"to": ["a"]}, {"to": ["b"]}]}]}, "later than the one before"),
        ({"routes": [{"severities": ["grave"]}]}, "severities"),
    ],
)
def test_what_is_wrong_is_said(routing: dict[str, object], said: str) -> None:
    """With what it should be."""
    with pytest.raises(ValidationError, match=said):
        AlertRouting.model_validate(routing)
