"""Lets labelled incidents happen to a simulated installation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.foresight.installation import HOURS, SERVICES, STAGES, TENANTS, Installation, Key
from pipeline.foresight.measures import Measure
from pipeline.foresight.series import HOURS_A_DAY, HOURS_A_WEEK, Values

FIRST_HOUR = 10 * HOURS_A_DAY
_LEAST_TRAFFIC = 40
_APART = 4 * HOURS_A_DAY
_STAGE_OF = {"llamaparse": "parsed", "openai": "embeddings_stored"}


@dataclass(frozen=True)
class Incident:
    """What went wrong, from hour to hour, and on which series it may be seen."""

    kind: str
    start: int
    end: int
    series: frozenset[Key]


Happening = Callable[[Installation, int, int], frozenset[Key]]


def _outage(made: Installation, start: int, end: int) -> frozenset[Key]:
    """A service is away: most calls fail, documents wait."""
    service = str(made.random.choice(SERVICES))
    failures, age = (Measure.SERVICE_FAILURES, service), (Measure.QUEUE_AGE, "all")
    made.wrong[failures][start:end] = made.random.uniform(0.6, 1.0)
    made.stuck[start:end] += 3600 * np.arange(end - start) * made.random.uniform(0.5, 1)
    time, stage = (Measure.SERVICE_TIME, service), (Measure.STAGE_TIME, _STAGE_OF[service])
    tail = (Measure.SERVICE_TAIL, service)
    for each in (time, tail, stage):
        made.factor[each][start:end] *= made.random.uniform(1, 4)
    return frozenset({failures, age, time, tail, stage})


def _failing(made: Installation, start: int, end: int) -> frozenset[Key]:
    """Some of the calls fail."""
    key = (Measure.SERVICE_FAILURES, str(made.random.choice(SERVICES)))
    made.wrong[key][start:end] = made.random.uniform(0.10, 0.4)
    return frozenset({key})


def _failing_slowly(made: Installation, start: int, end: int) -> frozenset[Key]:
    """Every day a few more calls fail."""
    key = (Measure.SERVICE_FAILURES, str(made.random.choice(SERVICES)))
    made.wrong[key][start:end] = np.linspace(0, made.random.uniform(0.15, 0.3), end - start)
    return frozenset({key})


def _slow_service(made: Installation, start: int, end: int) -> frozenset[Key]:
    """A service answers several times slower."""
    service = str(made.random.choice(SERVICES))
    time, stage = (Measure.SERVICE_TIME, service), (Measure.STAGE_TIME, _STAGE_OF[service])
    tail = (Measure.SERVICE_TAIL, service)
    by = made.random.uniform(2, 5)
    made.factor[time][start:end] *= by
    made.factor[tail][start:end] *= by
    made.factor[stage][start:end] *= by**0.7
    return frozenset({time, tail, stage})


def _slow_stage(made: Installation, start: int, end: int) -> frozenset[Key]:
    key = (Measure.STAGE_TIME, str(made.random.choice(STAGES)))
    made.factor[key][start:end] *= made.random.uniform(1.8, 4)
    return frozenset({key})


def _slow_search(made: Installation, start: int, end: int) -> frozenset[Key]:
    key = (Measure.SEARCH_TIME, "vectors")
    made.factor[key][start:end] *= made.random.uniform(4, 12)
    return frozenset({key})


def _degrading(made: Installation, start: int, end: int) -> frozenset[Key]:
    """A latency grows from day to day."""
    key: Key = (Measure.SERVICE_TAIL, str(made.random.choice(SERVICES)))
    if made.random.random() < 0.5:
        key = (Measure.SERVICE_TIME, key[1])
    if made.random.random() < 0.5:
        key = (Measure.STAGE_TIME, str(made.random.choice(STAGES)))
    made.factor[key][start:end] *= np.linspace(1, made.random.uniform(1.8, 3), end - start)
    return frozenset({key})


def _workers_gone(made: Installation, start: int, end: int) -> frozenset[Key]:
    made.stuck[start:end] += 3600.0 * np.arange(end - start)
    made.idle[start:end] = 1
    key = (Measure.QUEUE_AGE, "all")
    also = {(Measure.UNIT_COST, "all"), *((Measure.STAGE_TIME, each) for each in STAGES)}
    return frozenset({key, *also})


def _costly(made: Installation, start: int, end: int) -> frozenset[Key]:
    """A document costs several times as much: another price, or texts bought twice."""
    made.factor[Measure.UNIT_COST, "all"][start:end] *= made.random.uniform(2, 6)
    return frozenset({(Measure.UNIT_COST, "all")})


def _quality_falls(made: Installation, start: int, end: int) -> frozenset[Key]:
    key = (Measure.QUARANTINED, "all")
    made.wrong[key][start:end] = made.random.uniform(0.15, 0.6)
    return frozenset({key})


def _warnings_rise(made: Installation, start: int, end: int) -> frozenset[Key]:
    key = (Measure.WARNED, "all")
    made.wrong[key][start:end] = made.random.uniform(0.25, 0.6)
    return frozenset({key})


def _tenant_fails(made: Installation, start: int, end: int) -> frozenset[Key]:
    key = (Measure.FAILED_DOCUMENTS, str(made.random.choice(TENANTS)))
    made.wrong[key][start:end] = made.random.uniform(0.2, 0.8)
    return frozenset({key})


def _recall_falls(made: Installation, start: int, end: int) -> frozenset[Key]:
    made.recall_lost[start:end] = made.random.uniform(0.06, 0.2)
    return frozenset({(Measure.RECALL, "space")})


# Each with how long it lasts, in hours.
KINDS: dict[str, tuple[Happening, float, float]] = {
    "a service is away": (_outage, 3, 12),
    "calls fail": (_failing, 6, 36),
    "ever more calls fail": (_failing_slowly, 72, 168),
    "a service is slow": (_slow_service, 6, 72),
    "a stage is slow": (_slow_stage, 8, 72),
    "a latency grows for weeks": (_degrading, 240, 500),
    "searches are slow": (_slow_search, 6, 48),
    "no worker": (_workers_gone, 3, 24),
    "a document costs more": (_costly, 12, 72),
    "documents are quarantined": (_quality_falls, 12, 96),
    "documents are warned of": (_warnings_rise, 12, 96),
    "a tenant's documents fail": (_tenant_fails, 8, 72),
    "recall falls": (_recall_falls, 72, 240),
}


def let_happen(made: Installation, number: int) -> list[Incident]:
    """Let so many incidents happen, no two at once, each while there is something to do."""
    found: list[Incident] = []
    for _ in range(number):
        kind = str(made.random.choice(list(KINDS)))
        happening, least, most = KINDS[kind]
        hours = int(made.random.uniform(least, most))
        start = _place(made, hours, found)
        if start is not None:
            series = happening(made, start, start + hours)
            found.append(Incident(kind, start, start + hours, series))
    return found


def _place(made: Installation, hours: int, taken: list[Incident]) -> int | None:
    for _ in range(200):
        start = int(made.random.integers(FIRST_HOUR, max(FIRST_HOUR + 1, HOURS - hours)))
        apart = all(
            start > each.end + _APART or start + hours < each.start - _APART for each in taken
        )
        if apart and _seen(made.traffic, start, hours):
            return start
    return None


def _seen(traffic: Values, start: int, hours: int) -> bool:
    """Whether enough is done in it, and in three hours of it, for anybody to notice."""
    during = traffic[start : start + hours]
    return bool(during.sum() >= _LEAST_TRAFFIC) and int(np.count_nonzero(during >= 6)) >= 3


WEEKS_JUDGED = range(2, HOURS // HOURS_A_WEEK)
