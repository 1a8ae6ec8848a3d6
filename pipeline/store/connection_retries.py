"""Retries while Postgres is away, and repeats what a restart of it has broken off.

A Postgres that restarts, recovers from a crash or has no connection left is there again soon:
whoever begins something waits for it, for a while. What was begun and broken off is for the caller
to begin again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa

from pipeline.errors import DatabaseUnavailable
from pipeline.full_disk import DISK_FULL
from pipeline.logs import logger
from pipeline.retry_policy import DATABASE_SECONDS, TRANSACTION_ATTEMPTS
from pipeline.store.outages import Outage, data_folder

_LOG = logger("navigator.database")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0

P = ParamSpec("P")
Result = TypeVar("Result")
Work = Callable[P, Coroutine[Any, Any, Result]]


class Backoff:
    """Exponential backoff between attempts to begin something, until patience ends.

    Args:
        seconds: from the first failure on.
        told: what is waited for, in a sentence; called once.
    """

    def __init__(self, seconds: float, told: Callable[[str], None] | None = None) -> None:
        self._seconds = seconds
        self._told = told
        self._deadline: float | None = None
        self._pause = _FIRST_PAUSE

    def pause(self, error: DatabaseUnavailable) -> float:
        """Seconds until the next attempt.

        Raises:
            DatabaseUnavailable: the error itself, when it does not pass or has lasted too long.
        """
        now = time.monotonic()
        if not getattr(error, "passing", False):
            raise error
        if self._deadline is None:
            self._deadline = now + self._seconds
            _LOG.warning("database_unavailable", code=error.code, reason=error.message)
            if self._told is not None and self._seconds:
                self._told(f"{error.message} Waiting for it, up to {self._seconds:.0f} s.")
        if now >= self._deadline:
            if isinstance(error, Outage):
                error.passing = False  # not for whoever waits with a patience of their own
            raise error
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        left = self._deadline - now
        return min(pause * random.uniform(0.5, 1), left)  # noqa: S311 - jitter, no secret


def retry_on_restart(work: Work[P, Result]) -> Work[P, Result]:
    """Retry idempotent work when a restart of Postgres breaks it off.

    What it does outside the database has to bear that too. Until Postgres is there again, the
    first transaction of the next attempt waits.
    """

    @wraps(work)
    async def retried(*args: P.args, **kwargs: P.kwargs) -> Result:
        for _ in range(TRANSACTION_ATTEMPTS - 1):
            try:
                return await work(*args, **kwargs)
            except Outage as error:
                if not error.passing:
                    raise
                _LOG.warning("database_work_retried", code=error.code, reason=error.message)
            await asyncio.sleep(random.uniform(0.5, 1) * _LONGEST_PAUSE)  # noqa: S311 - jitter
        return await work(*args, **kwargs)

    return retried


def retry_while_away(
    work: Callable[[], Result],
    seconds: float = DATABASE_SECONDS,
    told: Callable[[str], None] | None = None,
    url: sa.URL | None = None,
) -> Result:
    """Retry idempotent work while Postgres is away.

    Args:
        url: of a Postgres that is started again if it is our embedded one.

    Raises:
        DatabaseUnavailable: the last failure.
    """
    waiting = Backoff(seconds, told)
    while True:
        try:
            return work()
        except DatabaseUnavailable as error:
            time.sleep(waiting.pause(error))
        if url is not None:
            revive(url)


def revive(url: sa.URL) -> None:
    """Start our embedded Postgres again if it has died; another Postgres is left to others.

    Raises:
        DatabaseUnavailable: it cannot be started for a reason that does not pass by itself.
    """
    if (folder := data_folder(url)) is None:
        return
    from pipeline.store.embedded import revive_embedded

    try:
        revive_embedded(folder)
    except DatabaseUnavailable as error:
        if error.code == DISK_FULL:
            raise
