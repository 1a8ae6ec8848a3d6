"""Judges a load against what is promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.load.local_load import LOCAL_LOAD
from app.load.running import DRAIN_SECONDS, Step
from app.load.sampling import largest

P95_MILLISECONDS = 200.0
"""Of every endpoint at ten times the local load."""

SENDER_MILLISECONDS = 50.0
"""A sender that is later than this measures the machine it runs on, not the system."""

SUCCESS_SHARE = 0.99
"""Of requests that are answered well, and of accepted documents that are published."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise.

    Attributes:
        measured: None: there was too little to measure, which is no promise kept.
        unit: ms, s, a share or rows.
    """

    name: str
    measured: float | None
    limit: float
    unit: str
    held: bool


def checks(step: Step) -> list[Check]:
    """Every promise, and whether this load held it."""
    return [*_latencies(step), *_outcomes(step)]


def held(found: list[Check]) -> bool:
    """Whether all were."""
    return all(each.held for each in found)


def _latencies(step: Step) -> Iterator[Check]:
    for kind, found in step.timings.by_kind().items():
        name = f"{LOCAL_LOAD[kind].endpoint} ({kind}), p95"
        yield _at_most(name, found.p95, P95_MILLISECONDS, "ms")


def _outcomes(step: Step) -> Iterator[Check]:
    sent = step.timings.answers
    good = sum(each.error is None for each in sent)
    yield _at_least("requests answered well", good, len(sent))
    yield _at_least("documents published", step.outcome.published, step.outcome.accepted)
    late = step.timings.lateness()
    yield _at_most("sender itself late, p95", late, SENDER_MILLISECONDS, "ms")
    oldest = largest([look.oldest for look in step.watch.looks])
    yield _at_most("oldest waiting job", oldest, DRAIN_SECONDS, "s")
    yield _at_most("until nothing waited", step.drained, DRAIN_SECONDS, "s")
    yield _at_most("rows left of its users", float(sum(step.left.values())), 0, "rows")


def _at_most(name: str, measured: float | None, limit: float, unit: str) -> Check:
    fits = measured is not None and (measured < limit or measured == limit == 0)
    return Check(name, measured, limit, unit, fits)


def _at_least(name: str, good: int, of: int) -> Check:
    share = good / of if of else None
    return Check(name, share, SUCCESS_SHARE, "share", share is not None and share >= SUCCESS_SHARE)
