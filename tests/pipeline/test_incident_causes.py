"""Causes: every kind of alert lies somewhere, and consequences know what brought them about."""

from __future__ import annotations

import pytest

from pipeline import incident_causes
from pipeline.alert_kinds import KINDS
from pipeline.incident_causes import cause_of


@pytest.mark.parametrize(
    ("kind", "key", "name", "title"),
    [
        ("circuit-open", "openai", "service:openai", "openai does not work as it should"),
        ("latency-degraded", "openai/embed", "service:openai", "openai does not work as it should"),
        ("no-worker", "navigator", "workers", "Runs are not worked on as they should be"),
        ("run-stopped", "1", "run-stopped", "Run stopped"),
    ],
)
def test_a_cause_has_a_name_and_a_title(kind: str, key: str, name: str, title: str) -> None:
    """Each service is a cause of its own; what has no area is its own."""
    cause = cause_of(kind, key)
    assert (cause.name, cause.title) == (name, title)


def test_what_is_grouped_is_a_kind_of_alert() -> None:
    """A kind that is spelled otherwise would never be grouped."""
    known = set(incident_causes._AREAS) | set(KINDS)
    for brought in incident_causes._CONSEQUENCES.values():
        assert brought <= known
