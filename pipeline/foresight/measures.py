"""Says what is watched: each measure with its unit, and when a change is worth a person's time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Measure(StrEnum):
    """Names a figure; what it is measured of is the subject."""

    SERVICE_TIME = "service_time"
    SERVICE_TAIL = "service_tail"
    STAGE_TIME = "stage_time"
    SEARCH_TIME = "search_time"
    QUEUE_AGE = "queue_age"
    UNIT_COST = "unit_cost"
    SERVICE_FAILURES = "service_failures"
    FAILED_DOCUMENTS = "failed_documents"
    QUARANTINED = "quarantined"
    WARNED = "warned"
    RECALL = "recall"
    ARRIVED = "arrived"
    FINISHED = "finished"
    WAITING = "waiting"
    WORKERS = "workers"
    SPENT = "spent"
    TOKENS = "tokens"
    DISK_FREE = "disk_free"
    DATABASE_SIZE = "database_size"
    STORED_SIZE = "stored_size"


class AlertKind(StrEnum):
    """Names what foresight tells of; docs/runbook.md has an entry for each."""

    LATENCY = "latency-degraded"
    FAILURES = "success-degraded"
    QUALITY = "quality-degraded"
    COST = "cost-risen"
    QUEUE = "queue-stalled"
    RECALL = "recall-degraded"
    DISK = "disk-fills"
    BACKLOG = "backlog-stays"
    TOKENS = "token-budget-binds"
    SPEND = "spend-passes-budget"


@dataclass(frozen=True, slots=True)
class Level:
    """When a figure that is usually about the same has risen.

    Attributes:
        least: below it nothing is wrong, however unusual.
        ratio: to what is usual, below it nothing is wrong.
        spread: of the logarithm; figures that vary less are taken to vary as much.
        observations: an hour with fewer is left out.
        zero: added before the logarithm, for figures that may be nothing.
    """

    kind: AlertKind
    title: str
    unit: str
    least: float
    ratio: float = 1.5
    spread: float = 0.08
    observations: int = 5
    zero: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """When more than usual of what was done has gone wrong.

    Attributes:
        usual: the least that is taken for usual.
        more: points above what is usual, below which nothing is wrong.
    """

    kind: AlertKind
    title: str
    usual: float = 0.005
    more: float = 0.05


LEVELS: dict[Measure, Level] = {
    Measure.SERVICE_TIME: Level(AlertKind.LATENCY, "Answers of {} take", "s", least=0.2),
    Measure.SERVICE_TAIL: Level(
        AlertKind.LATENCY,
        "The slowest twentieth of the answers of {} takes",
        "s",
        least=0.5,
        ratio=1.8,
        spread=0.12,
        observations=20,
    ),
    Measure.STAGE_TIME: Level(AlertKind.LATENCY, "The stage {} takes", "s", least=1.0),
    Measure.SEARCH_TIME: Level(
        AlertKind.LATENCY, "A search ({}) takes", "s", least=0.1, observations=1
    ),
    Measure.QUEUE_AGE: Level(
        AlertKind.QUEUE,
        "The document that waits longest ({}) waits",
        "s",
        least=900.0,
        ratio=3.0,
        spread=0.6,
        observations=1,
        zero=60.0,
    ),
    Measure.UNIT_COST: Level(
        AlertKind.COST, "A document ({}) costs", "USD", least=0.0005, spread=0.15, observations=1
    ),
}

SHARES: dict[Measure, Share] = {
    Measure.SERVICE_FAILURES: Share(AlertKind.FAILURES, "Calls of {} fail"),
    Measure.FAILED_DOCUMENTS: Share(AlertKind.FAILURES, "Documents of {} fail"),
    Measure.QUARANTINED: Share(AlertKind.QUALITY, "Documents of {} are quarantined"),
    Measure.WARNED: Share(AlertKind.QUALITY, "Documents of {} are published with warnings"),
}
