"""Patience: how often a request to a failing service is sent again, and how long in between.

It is a request's own: what fails is tried again by itself while the others go on. A circuit that
opens stops them all; that is waited for until the service has failed for as long as is allowed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

ATTEMPTS = 4
"""Of one request; fewer than the failures in a row that open a circuit."""

ATTEMPTS_OF_HALVES = 2
"""Of what was cut out of a request that failed as often as it may."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1 / 60, 1 / 6
_CUTTING = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """Retry policy of a run towards a failing service.

    Attributes:
        seconds: how long its circuit may be open before what needs it is left for later; the
            pauses between attempts are parts of it.
        with_circuits: an open circuit is waited for; else something stands in for the service.
    """

    seconds: float
    with_circuits: bool = True

    def pause(self, failures: int) -> float:
        """Seconds until the next attempt: exponential backoff with jitter."""
        longest = min(_FIRST_PAUSE * 2.0 ** (failures - 1), _LONGEST_PAUSE) * self.seconds
        return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter, no secret

    def bears(self, open_seconds: float, wait_seconds: float) -> bool:
        """Whether a circuit that has been open so long is worth the wait for its next probe."""
        return self.with_circuits and open_seconds + wait_seconds <= self.seconds

    @property
    def cutting_seconds(self) -> float:
        """For how long, from its first attempt, a failing request is cut to find what fails."""
        return _CUTTING * self.seconds
