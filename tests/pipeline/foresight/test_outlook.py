"""Findings and forecasts become alerts with evidence and a likely cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.alerts import Alert, Severity
from pipeline.foresight.causes import Surroundings
from pipeline.foresight.measures import AlertKind, Measure
from pipeline.foresight.outlook import Limits, Outlook, outlook
from pipeline.foresight.series import Series
from tests.pipeline.foresight.making import END, failures, falling, latency, level
from tests.rooms import ROOT

NO_LIMITS = Limits({}, None, 0.0)
QUIET = Surroundings(workers=1, services_of={"parse": ["llamaparse"], "embed": ["openai"]})


def last(hours: int, factor: float) -> Callable[[np.ndarray], None]:
    def change(values: np.ndarray) -> None:
        values[-hours:] *= factor

    return change


def more(hours: int, hits: float) -> Callable[[np.ndarray], None]:
    def change(values: np.ndarray) -> None:
        values[-hours:] = hits

    return change


def told(*series: Series, around: Surroundings = QUIET, limits: Limits = NO_LIMITS) -> list[Alert]:
    return list(outlook(END, series, limits, around).alerts)


def stage(change: Callable[[np.ndarray], None], name: str = "embed") -> Series:
    return latency(change, measure=Measure.STAGE_TIME, subject=name)


def waiting() -> Series:
    series = level(Measure.QUEUE_AGE, 20.0)
    series.values[-4:] = 7200.0
    return series


def test_an_alert_has_evidence_and_names_no_one() -> None:
    """Figures now and usual with their unit, since when, and how it was seen."""
    [alert] = told(latency(last(6, 3)))
    assert (alert.kind, alert.key, alert.severity) == (
        AlertKind.LATENCY, "openai", Severity.WARNING,
    )  # fmt: skip
    assert alert.title.startswith("Answers of openai take")
    assert set(alert.evidence) == {"now", "usual", "unit", "since", "seen_as"}
    assert alert.cause == "The provider: nothing else is unusual here."


@pytest.mark.parametrize(
    ("series", "around", "cause"),
    [
        ((stage(last(6, 3)), failures(more(6, 12))), QUIET,
         "The provider: calls of openai fail more often than usual."),
        ((stage(last(6, 3)), latency(last(6, 3))), QUIET,
         "The provider: openai answers slower than usual."),
        ((stage(last(6, 3)),), replace(QUIET, open_circuits=["openai"]),
         "openai does not answer: its circuit is open."),
        ((stage(last(6, 3), "chunk"), stage(last(6, 3), "validate"), stage(last(6, 3), "gate")),
         QUIET, "The machine, its disk or its network: 3 things are slow at once."),
        ((stage(last(6, 3), "chunk"),),
         replace(QUIET, changes={"release 2f1c": END - timedelta(hours=8)}),
         "It began after a change: release 2f1c, at 2026-05-03 16:00 UTC."),
        ((waiting(),), replace(QUIET, workers=0),
         "No worker runs: documents wait, and nobody takes them."),
        ((waiting(),), QUIET,
         "Workers run, but nothing was finished in three hours: a run may hang."),
        ((waiting(),), replace(QUIET, arrived=90, finished=10),
         "More came than is worked off: 90 documents came in three hours, 10 were finished."),
        ((failures(more(6, 12), measure=Measure.QUARANTINED, subject="all"),), QUIET,
         "Other documents than before, of one source or sender, or a parser that reads them "
         "worse."),
    ],
    ids=["failing", "slow", "open", "machine", "release", "workers", "hangs", "flood", "quality"],
)  # fmt: skip
def test_the_likely_cause_is_named(
    series: tuple[Series, ...], around: Surroundings, cause: str
) -> None:
    """What else is known at the time says why."""
    assert told(*series, around=around)[0].cause == cause


def test_a_queue_without_a_worker_is_critical() -> None:
    """Nobody will work it off by itself."""
    [alert] = told(waiting(), around=replace(QUIET, workers=0))
    assert (alert.kind, alert.severity) == (AlertKind.QUEUE, Severity.CRITICAL)


@pytest.mark.parametrize(
    ("left", "severity"), [(2, Severity.CRITICAL), (9, Severity.WARNING), (40, None)]
)
def test_a_disk_is_told_when_its_end_is_near(left: float, severity: Severity | None) -> None:
    """Critical within three days, a warning within fourteen, else nothing."""
    found = told(falling(left * 1e9, 1e9))
    assert [each.severity for each in found] == ([severity] if severity else [])


def test_a_month_is_told_when_its_forecast_passes_the_budget() -> None:
    """Three days are left, at 24 dollars a day."""
    series = level(Measure.SPENT, 1.0)
    [alert] = told(series, limits=Limits({}, 100.0, 72.0))
    assert alert.kind is AlertKind.SPEND
    assert told(series, limits=Limits({}, 10_000.0, 72.0)) == []


def test_a_backlog_is_told_when_it_does_not_end() -> None:
    """As much comes as is finished, and a hundred wait."""
    flows = (level(Measure.ARRIVED, 10.0), level(Measure.FINISHED, 10.0))
    [alert] = told(level(Measure.WAITING, 100.0), *flows)
    assert alert.kind is AlertKind.BACKLOG
    assert told(level(Measure.WAITING, 10.0), *flows) == []


def test_a_token_budget_is_told_when_it_binds() -> None:
    """It is reached already."""
    busy = level(Measure.TOKENS, 100.0, subject="openai")
    [alert] = told(busy, limits=Limits({"openai": 90.0}, None, 0.0))
    assert (alert.kind, alert.key) == (AlertKind.TOKENS, "openai")


def test_what_is_too_young_is_said_and_not_told() -> None:
    """Three days of history: no alert, and a list of what cannot be judged yet."""
    found: Outlook = outlook(END, [latency(last(6, 5), days=3)], NO_LIMITS, QUIET)
    assert list(found.alerts) == []
    assert list(found.unknown) == ["service_time openai"]


def test_every_kind_has_its_entry_in_the_runbook() -> None:
    """By its own name, with what to do and when it is over."""
    page = Path(ROOT / "docs/runbook.md").read_text("utf-8")
    for kind in AlertKind:
        assert f"### {kind}\n\n- **Means:**" in page, kind
