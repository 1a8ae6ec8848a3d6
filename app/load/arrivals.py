"""Draws when users ask for what: open-loop Poisson arrivals, the same for the same seed.

Open-loop: nobody waits for an answer before asking again, so a slow system is not asked less.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from app.load.local_load import LOCAL_LOAD, Kind, users


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """One request as it is planned.

    Attributes:
        at: seconds since the load began.
        user: whose, from 0.
    """

    at: float
    kind: Kind
    user: int


def arrivals(times: float, seconds: float, seed: int) -> list[Arrival]:
    """What so many times the local load asks in so many seconds, in order."""
    many = users(times)
    return sorted(
        Arrival(at, kind, chance.randrange(many))
        for kind, rate in LOCAL_LOAD.items()
        # each kind of its own, so that a change of one leaves the others as they were
        for chance in [random.Random(f"{seed}/{kind}")]  # noqa: S311 - a replayable draw is meant
        for at in _moments(chance, many * rate.per_minute / 60, seconds)
    )


def _moments(chance: random.Random, per_second: float, seconds: float) -> Iterator[float]:
    """Moments of a Poisson process: times between them are exponential."""

    def moments() -> Iterator[float]:
        at = 0.0
        while True:
            at += chance.expovariate(per_second)
            yield at

    return takewhile(lambda at: at < seconds, moments())
