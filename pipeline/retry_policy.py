"""Decides how often and how long what fails is tried again: every number of it, in one place.

A *request* is tried by itself while others go on; a *circuit breaker* stops all requests to a
service that fails; a *transaction* is begun again when Postgres restarts; a *task* and a *run* are
tried again by Prefect and its workers. What a person can set is in `pipeline.settings`
(`service_patience_seconds`, `database_patience_seconds`, `prefect_patience_seconds`).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

# -- a request to a service ---------------------------------------------------------------------

ATTEMPTS = 4
"""Of one request; fewer than the failures in a row that open a circuit."""

ATTEMPTS_OF_HALVES = 2
"""Of what was cut out of a request that failed as often as it may."""

POLLING_FAILURES = 5
"""In a row, while a parsing service's job is polled, before its caller hears of them."""

RATE_LIMIT_SECONDS = 1800.0
"""So long a service may answer nothing but 429, Too Many Requests, to one request."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1 / 60, 1 / 6
_CUTTING = 10
_FIRST_LIMIT_PAUSE, _LEAST_LIMIT_PAUSE, _LONGEST_LIMIT_PAUSE = 0.5, 0.05, 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """What a run waits for a service.

    Attributes:
        seconds: how long its circuit may be open before what needs it is left for later; the
            pauses between attempts are parts of it.
        with_circuits: an open circuit is waited for; else something stands in for the service.
    """

    seconds: float
    with_circuits: bool = True

    def pause(self, failures: int) -> float:
        """Seconds until the next attempt after so many failures, doubling, with jitter."""
        longest = min(_FIRST_PAUSE * 2.0 ** (failures - 1), _LONGEST_PAUSE) * self.seconds
        return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter, no secret

    def bears(self, open_seconds: float, wait_seconds: float) -> bool:
        """Whether a circuit that has been open so long is worth the wait for its next probe."""
        return self.with_circuits and open_seconds + wait_seconds <= self.seconds

    @property
    def cutting_seconds(self) -> float:
        """For how long, from its first attempt, a failing request is cut to find what fails."""
        return _CUTTING * self.seconds


class RateLimitBackoff:
    """The pauses after 429 answers to one request, which uses up no attempt: everybody waits."""

    def __init__(self) -> None:
        self._deadline = time.monotonic() + RATE_LIMIT_SECONDS
        self._pause = _FIRST_LIMIT_PAUSE

    @property
    def is_over(self) -> bool:
        """Whether the service has asked for more time than a request gets."""
        return time.monotonic() > self._deadline

    def pause(self, retry_after: float | None) -> float:
        """Seconds until the next attempt: as the service asks, else doubling, with jitter."""
        own = self._pause * random.uniform(0.5, 1)  # noqa: S311 - jitter, no secret
        self._pause = min(self._pause * 2, _LONGEST_LIMIT_PAUSE)
        return max(retry_after or own, _LEAST_LIMIT_PAUSE)


# -- the circuit breaker of a service -----------------------------------------------------------

FAILURES_TO_OPEN = 5
"""In a row, over all processes: from then on nobody asks the service."""

OPEN_SECONDS = 15.0
"""From a failure until one request may probe it again."""

QUOTA_OPEN_SECONDS = 60.0
"""The same where the account is empty."""

PROBE_SECONDS = 30.0
"""Who probes has so long for it, before another may."""

PROBE_POLL_SECONDS = 0.2
"""Between two looks at a probe that is under way."""

# -- a question, for whose answer a person waits ------------------------------------------------

QUESTION_SECONDS = 4.0
"""So long an embedding service may take to answer a question; then words alone answer it."""

QUESTION_WAIT_SECONDS = 1.0
"""So long a question waits for the service's rate limit."""

# -- Postgres -----------------------------------------------------------------------------------

DATABASE_SECONDS = 60.0
"""So long a Postgres that is away is waited for, where nothing else is said."""

LOOKING_SECONDS = 5.0
"""The same for who only looks: a person waits for the answer."""

TRANSACTION_ATTEMPTS = 20
"""So often work that can be done again is begun again, when Postgres breaks it off."""

PAID_RESPONSE_SECONDS = 120.0
"""So long the answer that was paid for is tried to be written down."""

# -- tasks and runs -----------------------------------------------------------------------------

TASK_RETRIES = 4
"""Of a Prefect task whose error is transient."""

TASK_BACKOFF, TASK_JITTER = 2, 0.5
"""2, 4, 8, 16 seconds between them, each with jitter."""

ROUNDS_OF_A_BATCH = 3
"""So often a batch goes through its stages for documents that had to wait."""

RESUMPTIONS = 3
"""So often a run takes up a document again that had waited for a service."""

RUN_STARTS = 3
"""A flow run that was started so often goes to no other worker: it may be what kills them."""
