"""Simulates an installation's hourly figures: seasons, growth, heavy tails, bursts, gaps, restarts.

Nothing here is taken from how the detection sees the world: latencies wander and follow the load,
failures and quarantined documents come in bursts, odd hours happen that are nobody's fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipeline.foresight.measures import Measure
from pipeline.foresight.series import HOURS_A_DAY, HOURS_A_WEEK, Flags, Series, Values, gauge, share

WEEKS = 9
HOURS = WEEKS * HOURS_A_WEEK
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""

Key = tuple[Measure, str]
SERVICES = ("llamaparse", "openai")
STAGES = ("parsed", "chunks_stored", "embeddings_stored")
TENANTS = ("tenant-a", "tenant-b")


@dataclass
class Installation:
    """Figures while they are being made: factors that incidents change, then the series.

    Attributes:
        factor: what a latency, a cost or an age is multiplied with, hour by hour.
        wrong: the share that goes wrong beside the usual.
        stuck: seconds that the oldest waiting document waits because nothing is worked on.
        idle: hours at which nothing is finished.
    """

    random: np.random.Generator
    traffic: Values
    factor: dict[Key, Values] = field(default_factory=dict)
    wrong: dict[Key, Values] = field(default_factory=dict)
    stuck: Values = field(default_factory=lambda: np.zeros(HOURS))
    idle: Values = field(default_factory=lambda: np.zeros(HOURS))
    recall_lost: Values = field(default_factory=lambda: np.zeros(HOURS))


def empty(random: np.random.Generator) -> Installation:
    """An installation with its traffic, before anything goes wrong."""
    made = Installation(random, _traffic(random))
    for key in (*_timed(), (Measure.UNIT_COST, "all"), (Measure.QUEUE_AGE, "all")):
        made.factor[key] = np.ones(HOURS)
    for key in _shares():
        made.wrong[key] = np.zeros(HOURS)
    return made


def _timed() -> list[Key]:
    return [
        *((Measure.SERVICE_TIME, name) for name in SERVICES),
        *((Measure.SERVICE_TAIL, name) for name in SERVICES),
        *((Measure.STAGE_TIME, name) for name in STAGES),
        (Measure.SEARCH_TIME, "vectors"),
    ]


def _shares() -> list[Key]:
    return [
        *((Measure.SERVICE_FAILURES, name) for name in SERVICES),
        *((Measure.FAILED_DOCUMENTS, name) for name in TENANTS),
        (Measure.QUARANTINED, "all"),
        (Measure.WARNED, "all"),
    ]


def _traffic(random: np.random.Generator) -> Values:
    """Documents an hour: office hours, a nightly batch, or round the clock; weekly growth."""
    hour = np.arange(HOURS) % HOURS_A_DAY
    day = np.arange(HOURS) // HOURS_A_DAY % 7
    kind = random.choice(["office", "nightly", "steady"], p=[0.5, 0.25, 0.25])
    if kind == "office":
        shape = np.exp(-(((hour - random.uniform(10, 15)) / random.uniform(2.5, 4)) ** 2))
        shape[day >= 5] *= random.choice([0.0, 0.05, 0.2])
        shape[shape < 0.02] = 0  # nights without any
    elif kind == "nightly":
        start = int(random.integers(0, 5))
        shape = np.where((hour >= start) & (hour < start + 3), 1.0, 0.08)
    else:
        shape = 0.6 + 0.4 * np.sin((hour - random.uniform(0, 24)) / 24 * 2 * np.pi)
        shape *= np.where(day >= 5, random.uniform(0.5, 1), 1)
    peak = np.exp(random.uniform(np.log(20), np.log(400)))
    growth = (1 + random.uniform(0, 0.06)) ** (np.arange(HOURS) / HOURS_A_WEEK)
    busy = random.gamma(4, 1 / 4, HOURS)  # over-dispersed
    for _ in range(int(random.integers(0, 4))):  # somebody takes in a whole archive
        at = int(random.integers(0, HOURS - 6))
        busy[at : at + int(random.integers(1, 6))] *= random.uniform(3, 10)
    documents: Values = random.poisson(peak * shape * growth * busy).astype(float)
    return documents


def series(made: Installation) -> list[Series]:
    """All figures, with gaps and restarts."""
    random = made.random
    end = BEGAN + timedelta(hours=HOURS)
    gone = _gaps(random)
    restarts = random.choice(HOURS, int(random.integers(2, 7)), replace=False)
    return [
        *(_latency(made, key, end, gone, restarts) for key in _timed()),
        *(_share(made, key, end, gone) for key in _shares()),
        _queue_age(made, end, gone, restarts),
        _unit_cost(made, end, gone),
        _recall(made, end, gone),
    ]


def _gaps(random: np.random.Generator) -> Flags:
    """Hours at which nothing ran that could have measured."""
    gone = np.zeros(HOURS, bool)
    for _ in range(int(random.integers(0, 4))):
        at = int(random.integers(0, HOURS))
        gone[at : at + int(random.choice([2, 6, 24, 60]))] = True
    return gone


def _latency(
    made: Installation, key: Key, end: datetime, gone: Flags, restarts: NDArray[np.int64]
) -> Series:
    random, (measure, subject) = made.random, key
    level = np.exp(random.uniform(np.log(0.25), np.log(15)))
    if measure is Measure.SEARCH_TIME:
        counts, level = np.full(HOURS, 6.0), np.exp(random.uniform(np.log(0.01), np.log(0.2)))
    else:
        calls = 1 if measure is Measure.STAGE_TIME else random.uniform(0.7, 3)
        counts = random.poisson(made.traffic * calls * (1 - made.idle)).astype(float)
    load = made.traffic / max(made.traffic.max(), 1)
    season = 1 + random.uniform(0, 0.35) * load
    wander = np.exp(np.cumsum(random.normal(0, 0.004, HOURS)) * random.uniform(0, 1))
    near = _autocorrelated(random, random.uniform(0.03, 0.10), random.uniform(0.2, 0.7))
    tails = random.standard_t(3, HOURS) * random.uniform(0.02, 0.12)
    chance = 1.2 if measure is Measure.SERVICE_TAIL else 0.5
    few = random.normal(0, 1, HOURS) * chance / np.sqrt(np.maximum(counts, 1))
    odd = np.where(random.random(HOURS) < 0.004, random.uniform(2, 10, HOURS), 1.0)
    odd[restarts] *= random.uniform(1.5, 3, len(restarts))
    values = level * season * wander * np.exp(near + tails + few) * odd * made.factor[key]
    measured = (counts > 0) & ~gone
    return Series(measure, subject, end, np.where(measured, values, np.nan),
                  np.where(measured, counts, 0.0))  # fmt: skip


def _autocorrelated(random: np.random.Generator, size: float, keeps: float) -> Values:
    steps = random.normal(0, size * np.sqrt(1 - keeps**2), HOURS)
    found = np.zeros(HOURS)
    for hour in range(1, HOURS):
        found[hour] = keeps * found[hour - 1] + steps[hour]
    return found


def _share(made: Installation, key: Key, end: datetime, gone: Flags) -> Series:
    random, (measure, subject) = made.random, key
    base = {
        Measure.SERVICE_FAILURES: random.choice([0.0, 0.001, 0.01, 0.03]),
        Measure.FAILED_DOCUMENTS: random.choice([0.0, 0.01, 0.03]),
        Measure.QUARANTINED: random.uniform(0.005, 0.05),
        Measure.WARNED: random.uniform(0.03, 0.25),
    }[measure]
    part = random.uniform(0.2, 0.6) if measure is Measure.FAILED_DOCUMENTS else 1.0
    calls = random.uniform(0.7, 3) if measure is Measure.SERVICE_FAILURES else part
    idle = 0 if measure is Measure.SERVICE_FAILURES else made.idle
    counts = random.poisson(made.traffic * calls * (1 - idle)).astype(float)
    # Bursts: what is wrong with one document is wrong with its neighbors.
    portion = random.beta(base * 8, (1 - base) * 8, HOURS) if base else np.zeros(HOURS)
    blip = (random.random(HOURS) < 0.002) * random.uniform(0.02, 0.08, HOURS)
    chance = 1 - (1 - portion) * (1 - blip) * (1 - made.wrong[key])
    hits = random.binomial(counts.astype(int), np.clip(chance, 0, 1)).astype(float)
    counts, hits = np.where(gone, 0.0, counts), np.where(gone, 0.0, hits)
    return share(measure, subject, end, hits, counts)


def _queue_age(
    made: Installation, end: datetime, gone: Flags, restarts: NDArray[np.int64]
) -> Series:
    random = made.random
    load = made.traffic / max(made.traffic.max(), 1)
    age = random.exponential(random.uniform(5, 60), HOURS)
    age += load**2 * random.uniform(0, 1500) * random.gamma(3, 1 / 3, HOURS)
    age = np.where(random.random(HOURS) < 0.003, age + random.uniform(300, 5000, HOURS), age)
    age[restarts] += random.uniform(30, 900, len(restarts))
    age = age * made.factor[Measure.QUEUE_AGE, "all"] + made.stuck
    return gauge(Measure.QUEUE_AGE, "all", end, np.where(gone, np.nan, age))


def _unit_cost(made: Installation, end: datetime, gone: Flags) -> Series:
    random, key = made.random, (Measure.UNIT_COST, "all")
    counts = random.poisson(made.traffic * (1 - made.idle)).astype(float)
    level = np.exp(random.uniform(np.log(0.001), np.log(0.05)))
    # Few documents have few pages or many: the fewer, the less is their mean the usual one.
    mix = np.exp(random.normal(0, 1, HOURS) * np.sqrt(np.log1p(1.5 / np.maximum(counts, 1))))
    wander = np.exp(np.cumsum(random.normal(0, 0.004, HOURS)))
    values = level * mix * wander * made.factor[key]
    measured = (counts > 0) & ~gone
    return Series(Measure.UNIT_COST, "all", end, np.where(measured, values, np.nan),
                  np.where(measured, counts, 0.0))  # fmt: skip


def _recall(made: Installation, end: datetime, gone: Flags) -> Series:
    random = made.random
    base = random.uniform(0.985, 1.0)
    values = np.full(HOURS, np.nan)
    for day in range(0, HOURS, HOURS_A_DAY):
        at = day + 3
        found = base - made.recall_lost[at] - abs(random.normal(0, 0.005))
        values[at] = np.nan if gone[at] else np.clip(found, 0, 1)
    return gauge(Measure.RECALL, "space", end, values)
