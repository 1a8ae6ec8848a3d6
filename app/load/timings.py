"""Keeps what came of each request, and sums it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from app.load.local_load import Kind


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request.

    Attributes:
        latency: seconds from the moment it was planned for until its answer was read, so that
            waiting for a slow system counts (no coordinated omission).
        late: seconds of these until it was sent, which are the sender's own.
        error: its kind, such as ``503`` or ``ReadTimeout``; None: it succeeded.
    """

    kind: Kind
    latency: float
    late: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EndpointSum:
    """What came of all requests of one kind; milliseconds, None of fewer than two."""

    requests: int
    errors: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass
class Timings:
    """Every answer of a load."""

    answers: list[Answer] = field(default_factory=list)

    def by_kind(self) -> dict[Kind, EndpointSum]:
        """The sum of each kind that was asked for."""
        kinds = {kind: [each for each in self.answers if each.kind is kind] for kind in Kind}
        return {kind: _sum(found) for kind, found in kinds.items() if found}

    def errors(self) -> dict[str, int]:
        """How many requests failed, by endpoint and kind of error."""
        failed = (f"{each.kind} {each.error}" for each in self.answers if each.error)
        return dict(Counter(failed).most_common())

    def lateness(self) -> float | None:
        """Milliseconds that the sender was late, at the 95th percentile."""
        return percentiles([each.late for each in self.answers]).get("p95")


def _sum(found: Sequence[Answer]) -> EndpointSum:
    # A failed request has a latency too: leaving it out would flatter a system that refuses.
    at = percentiles([each.latency for each in found])
    failed = sum(each.error is not None for each in found)
    return EndpointSum(len(found), failed, at.get("p50"), at.get("p95"), at.get("p99"))


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 in milliseconds; nothing of fewer than two."""
    if len(seconds) < 2:
        return {}
    cuts = quantiles(seconds, n=100, method="inclusive")
    return {
        name: round(1000 * cuts[at - 1], 1) for name, at in (("p50", 50), ("p95", 95), ("p99", 99))
    }
