"""Maps Postgres errors to ours: why it failed, in one sentence, and whether that is transient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline.errors import DatabaseUnavailable, TransientError
from pipeline.full_disk import DISK_FULL, REMEDY
from pipeline.store.session_timeouts import ENDED_BY_POSTGRES, sentence

_DISK_FULL, _TOO_MANY = "53100", "53300"
_STARTING = "57P03"
_ENDED = ("57P01", "57P02", "08")
# A deadlock, what cannot be serialized, and the ends of a silent process's transaction and session.
_UNDONE = ("40P01", "40001", "25P03", "57P05")
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


class Outage(DatabaseUnavailable):
    """An outage: Postgres cannot be worked with at this moment.

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
    message = sentence(state) or f"Postgres gave up the transaction (SQLSTATE {state})."
    return _outage(message, remedy=TransientError.remedy, passing=state in _UNDONE)


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
    """Map errors of the connection inside this block to ours.

    Raises:
        Outage: Postgres cannot be worked with.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise unavailable(error, url) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, *ENDED_BY_POSTGRES) as error:
        # COPY goes to the driver itself, so SQLAlchemy does not wrap its errors.
        raise unavailable(error, url) from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error.orig, ENDED_BY_POSTGRES):
            raise unavailable(error, url) from error
        raise
