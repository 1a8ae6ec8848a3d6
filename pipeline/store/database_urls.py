"""Resolves database URLs: where the database is, and which login opens it."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from pipeline.errors import ConfigurationError


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
