"""Why Postgres did not do what it was asked, in one sentence, and how long that is waited for.

A Postgres that restarts, recovers from a crash or has no connection left is there again soon:
whoever begins something waits for it, for a while. What was begun and broken off is for the caller
to begin again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline.errors import DatabaseUnavailable
from pipeline.full_disk import DISK_FULL, REMEDY
from pipeline.logs import logger

PATIENCE_SECONDS = 60.0
"""So long a Postgres that is away is waited for, where nothing else is said."""
BROKEN_OFF_AT_MOST = 20
"""So often work that can be done again is begun again, when Postgres breaks it off."""

_LOG = logger("navigator.database")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_DISK_FULL, _TOO_MANY = "53100", "53300"
_STARTING = "57P03"
_ENDED = ("57P01", "57P02", "08")
_UNDONE = ("40P01", "40001")  # a deadlock, and what cannot be serialized
# Before a session begins there is no SQLSTATE to be had, only the server's words.
_SAID = {
    "too many clients": _TOO_MANY, "too many connections": _TOO_MANY,
    "remaining connection slots": _TOO_MANY,
    "is starting up": _STARTING, "is shutting down": _STARTING, "in recovery mode": _STARTING,
    "not yet accepting connections": _STARTING,
    "No space left on device": _DISK_FULL,
}  # fmt: skip
_REFUSED = ("authentication failed", "does not exist", "no pg_hba.conf entry", "no password")
_MORE_CONNECTIONS = (
    "It is tried again by itself; if it lasts, raise max_connections of Postgres, or lower "
    "NAVIGATOR_CONCURRENCY and NAVIGATOR_EMBEDDING_CONCURRENCY."
)

P = ParamSpec("P")
Result = TypeVar("Result")
Work = Callable[P, Coroutine[Any, Any, Result]]


class Outage(DatabaseUnavailable):
    """Postgres cannot be worked with at this moment.

    Attributes:
        passing: it may well be over in a moment; nobody has to do anything.
    """

    passing = False


def unavailable(error: BaseException, url: sa.URL | None = None) -> Outage:
    """An error of the driver or the pool as ours, without address, password or the server's words.

    Args:
        url: of the connection, for the folder of a Postgres of this machine.
    """
    if isinstance(error, PoolTimeout):
        message = "All connections of this process to Postgres are in use."
        return _outage(message, "connections_exhausted", _MORE_CONNECTIONS)
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    state = getattr(cause, "sqlstate", None) or _state_said(str(cause))
    if state is None:
        return _unreached(cause)
    if state == _DISK_FULL:
        message = f"The disk of {_whose(url)} is full."
        return _outage(message, DISK_FULL, REMEDY, passing=False)
    if state == _TOO_MANY:
        message = "Postgres has no connection left (too many clients)."
        return _outage(message, "connections_exhausted", _MORE_CONNECTIONS)
    if state == _STARTING:
        return _outage("Postgres is starting up or shutting down.", "database_starting")
    if state.startswith(_ENDED):
        message = f"Postgres ended the connection: it restarts or has crashed (SQLSTATE {state})."
        return _outage(message)
    message = f"Postgres gave up the transaction (SQLSTATE {state})."
    return _outage(message, passing=state in _UNDONE)


def _outage(
    message: str, code: str | None = None, remedy: str | None = None, *, passing: bool = True
) -> Outage:
    made = Outage(message, code=code, remedy=remedy)
    made.passing = passing
    return made


def _state_said(said: str) -> str | None:
    return next((state for words, state in _SAID.items() if words in said), None)


def _unreached(cause: BaseException) -> Outage:
    if any(words in str(cause) for words in _REFUSED):
        return _outage(
            "Postgres refuses the login or does not know the database that the URL names.",
            remedy="Check name, password and database in DATABASE_URL.",
            passing=False,
        )
    return _outage(f"Postgres cannot be reached ({type(cause).__name__}).")


def _whose(url: sa.URL | None) -> str:
    folder = data_folder(url) if url is not None else None
    return f"Postgres ({folder})" if folder else "the Postgres server"


def data_folder(url: sa.URL) -> Path | None:
    """Where the data of a Postgres lies whose socket is in its data folder, as ours is."""
    host = url.query.get("host")
    if not isinstance(host, str) or not host.startswith("/"):
        return None
    folder = Path(host).resolve()
    return folder if (folder / "PG_VERSION").exists() else None


@contextmanager
def translated(url: sa.URL) -> Iterator[None]:
    """Errors of the connection leave this block as ours.

    Raises:
        Outage: Postgres cannot be worked with.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise unavailable(error, url) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        # COPY goes to the driver itself, so SQLAlchemy does not wrap its errors.
        raise unavailable(error, url) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise unavailable(error, url) from error
        raise


class Waiting:
    """The pauses between attempts to begin something, until patience ends.

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
            _LOG.warning("database_away", code=error.code, why=error.message)
            if self._told is not None and self._seconds:
                self._told(f"{error.message} Waiting for it, up to {self._seconds:.0f} s.")
        if now >= self._deadline:
            if isinstance(error, Outage):
                error.passing = False  # not for whoever waits with a patience of their own
            raise error
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        left = self._deadline - now
        return min(pause * random.uniform(0.5, 1), left)  # noqa: S311 - jitter, no secret


def outlasting(work: Work[P, Result]) -> Work[P, Result]:
    """Work that can be done again is done again when a restart of Postgres breaks it off.

    What it does outside the database has to bear that too. Until Postgres is there again, the
    first transaction of the next attempt waits.
    """

    @wraps(work)
    async def outlasted(*args: P.args, **kwargs: P.kwargs) -> Result:
        for _ in range(BROKEN_OFF_AT_MOST - 1):
            try:
                return await work(*args, **kwargs)
            except Outage as error:
                if not error.passing:
                    raise
                _LOG.warning("broken_off", code=error.code, why=error.message)
            await asyncio.sleep(random.uniform(0.5, 1) * _LONGEST_PAUSE)  # noqa: S311 - jitter
        return await work(*args, **kwargs)

    return outlasted


def patiently(
    work: Callable[[], Result],
    seconds: float = PATIENCE_SECONDS,
    told: Callable[[str], None] | None = None,
    url: sa.URL | None = None,
) -> Result:
    """Do what can be done again, and do it again while Postgres is away.

    Args:
        url: of a Postgres that is started again if it is our embedded one.

    Raises:
        DatabaseUnavailable: the last failure.
    """
    waiting = Waiting(seconds, told)
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
