"""Where the database is and as whom it is opened, and a connection's errors as ours."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from pipeline.errors import ConfigurationError, DatabaseUnavailable, TransientError
from pipeline.store.patience import sentence


@dataclass(frozen=True, slots=True)
class Addresses:
    """One database by the URLs of its logins.

    Attributes:
        service: of the pipeline, which reaches every row.
        reader: of readers, which see one user's rows; None: the pipeline's login reads too.
        owner: of who owns the schema, for migrations and partitions; None: the pipeline's login.
    """

    service: str = field(repr=False)
    reader: str | None = field(default=None, repr=False)
    owner: str | None = field(default=None, repr=False)


def driver_url(url: str) -> sa.URL:
    """The URL with the driver that we use for everything, sync and async: psycopg 3."""
    try:
        return sa.make_url(url.replace("postgres://", "postgresql://", 1)).set(
            drivername="postgresql+psycopg"
        )
    except sa.exc.ArgumentError:
        raise ConfigurationError("DATABASE_URL is not a database URL.") from None


def unavailable(error: BaseException) -> DatabaseUnavailable:
    """A connection error as ours: the first line of the reason, without address or password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if sqlstate := getattr(cause, "sqlstate", None):
        if said := sentence(sqlstate):
            return DatabaseUnavailable(said, remedy=TransientError.remedy)
        return DatabaseUnavailable(f"Postgres gave up the connection (SQLSTATE {sqlstate}).")
    return DatabaseUnavailable(f"Postgres cannot be reached ({type(cause).__name__}).")
