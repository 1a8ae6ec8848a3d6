"""Connections: who we are to the database, one transaction at a time.

`Database.service()` is the pipeline and reaches every row; `Database.reader(user)` sees only that
user's rows, because row-level security binds it; `Database.owner()` is for DDL. The role and the
user are set with SET LOCAL, so nothing of them is left on a pooled connection.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from pipeline.errors import ConfigurationError, DatabaseUnavailable
from pipeline.store.schema import READER_ROLE, SCHEMA, SERVICE_ROLE, USER_SETTING

Record = TypeVar("Record")

MINIMUM_POSTGRES = 150000
MINIMUM_PGVECTOR = (0, 8, 0)
# Any constant will do, as long as every process uses the same one.
_MIGRATION_LOCK = 6_208_130_271
# So long after its last use a connection is taken for alive.
_TRUSTED_SECONDS = 1.0

_BECOMING = f"SELECT set_config('role', :role, true), set_config('{USER_SETTING}', :user, true)"
_BECOME = sa.text(_BECOMING)
_BECOME_SOON = sa.text(f"{_BECOMING}, set_config('synchronous_commit', 'off', true)")


class Database:
    """A pool of connections to one database.

    Args:
        url: a ``postgresql://`` URL; any driver suffix is replaced by ours.
        pool_size: connections kept; as many again may be opened for a burst.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine: AsyncEngine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            # an error would quote what was to be stored
            hide_parameters=True,
            connect_args={"connect_timeout": 10, "application_name": "insurance-navigator"},
        )
        _ask_the_idle(self.engine.sync_engine)

    @asynccontextmanager
    async def service(self, *, repeatable: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction as the pipeline.

        Args:
            repeatable: when Postgres itself crashes in the next moment, the transaction may be
                undone, because the work would be done again and nothing paid twice. Its commit
                then does not wait for the disk.
        """
        become = _BECOME_SOON if repeatable else _BECOME
        async with self._begin(SERVICE_ROLE, None, become) as connection:
            yield connection

    @asynccontextmanager
    async def reader(self, user_id: UUID) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees the rows of one user and cannot write."""
        async with self._begin(READER_ROLE, user_id) as connection:
            yield connection

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[AsyncConnection]:
        """One transaction as the login role: for DDL; only a superuser sees user rows with it."""
        async with self._begin(None, None) as connection:
            yield connection

    @asynccontextmanager
    async def _begin(
        self, role: str | None, user_id: UUID | None, become: sa.TextClause = _BECOME
    ) -> AsyncIterator[AsyncConnection]:
        try:
            async with self.engine.begin() as connection:
                if role is not None:
                    values = {"role": role, "user": str(user_id) if user_id else ""}
                    await connection.execute(become, values)
                yield connection
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise unavailable(error) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            # COPY goes to the driver itself, so SQLAlchemy does not wrap its errors.
            raise unavailable(error) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise unavailable(error) from error
            raise

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _ask_the_idle(engine: sa.Engine) -> None:
    """Have a connection answer before it is used, if it was idle for a while.

    SQLAlchemy's own `pool_pre_ping` asks each time, which is a quarter of all we send.
    """

    @sa.event.listens_for(engine, "checkin")
    def note(connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def ask(connection: Any, record: ConnectionPoolEntry, proxy: Any) -> None:
        idle = time.monotonic() - record.info.get("idle_since", time.monotonic())
        if idle < _TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            # The pool opens others in the place of all that it holds.
            raise InvalidatePoolError("Postgres has closed an idle connection.") from error


def unavailable(error: BaseException) -> DatabaseUnavailable:
    """A connection error as ours: the first line of the reason, without address or password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if sqlstate := getattr(cause, "sqlstate", None):
        return DatabaseUnavailable(f"Postgres gave up the connection (SQLSTATE {sqlstate}).")
    return DatabaseUnavailable(f"Postgres cannot be reached ({type(cause).__name__}).")


def driver_url(url: str) -> sa.URL:
    """The URL with the driver that we use for everything, sync and async: psycopg 3."""
    try:
        return sa.make_url(url.replace("postgres://", "postgresql://", 1)).set(
            drivername="postgresql+psycopg"
        )
    except sa.exc.ArgumentError:
        raise ConfigurationError("DATABASE_URL is not a database URL.") from None


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to the newest schema, or an empty one to an older; several may at once.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        ConfigurationError: Postgres or pgvector is missing or too old, or its schema is newer.
    """
    engine = sa.create_engine(
        driver_url(url), connect_args={"connect_timeout": 10}, hide_parameters=True
    )
    try:
        with engine.connect() as connection:
            _require_versions(connection)
            wanted = head_revision() if revision == "head" else revision
            if _current_revision(connection) == wanted:
                return
            connection.rollback()
            connection.execute(sa.text(f"SELECT pg_advisory_lock({_MIGRATION_LOCK})"))
            connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
            connection.commit()
            command.upgrade(_alembic(connection), wanted)
            connection.commit()
            connection.execute(sa.text(f"SELECT pg_advisory_unlock({_MIGRATION_LOCK})"))
    except (OperationalError, InterfaceError) as error:
        raise unavailable(error) from error
    finally:
        engine.dispose()


def _alembic(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """The newest revision that this program knows."""
    head = ScriptDirectory.from_config(_alembic()).get_current_head()
    assert head is not None
    return head


def known_revisions() -> frozenset[str]:
    """All revisions that this program can build."""
    known = ScriptDirectory.from_config(_alembic()).walk_revisions()
    return frozenset(each.revision for each in known)


def _current_revision(connection: sa.Connection) -> str | None:
    table = f"{SCHEMA}.alembic_version"
    if connection.scalar(sa.text("SELECT to_regclass(:table)"), {"table": table}) is None:
        return None
    revision: str | None = connection.scalar(sa.text(f"SELECT version_num FROM {table}"))  # noqa: S608
    return revision


def _require_versions(connection: sa.Connection) -> None:
    server = int(connection.scalar(sa.text("SHOW server_version_num")) or 0)
    if server < MINIMUM_POSTGRES:
        raise ConfigurationError(
            f"Postgres {server // 10000} is too old: 15 or newer is needed.",
            remedy="Point DATABASE_URL at a newer Postgres.",
        )
    vector: str | None = connection.scalar(
        sa.text("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
    )
    if vector is None or tuple(int(part) for part in vector.split(".")) < MINIMUM_PGVECTOR:
        raise ConfigurationError(
            f"pgvector 0.8 or newer is needed; this Postgres offers {vector or 'none'}.",
            remedy="Install pgvector there, or unset DATABASE_URL to use the embedded Postgres.",
        )


async def rows(
    connection: AsyncConnection, statement: sa.Executable, values: Any = None
) -> list[sa.RowMapping]:
    """All rows of a statement, as mappings by column name."""
    return list((await connection.execute(statement, values or {})).mappings())


async def records(
    connection: AsyncConnection, kind: type[Record], statement: sa.Executable, values: Any = None
) -> list[Record]:
    """All rows of a statement, each as a `kind`: a dataclass with the columns as its fields.

    Raises:
        TypeError: the columns are not the fields, in their order.
    """
    result = await connection.execute(statement, values or {})
    if tuple(result.keys()) != tuple(field.name for field in fields(kind)):  # type: ignore[arg-type]
        raise TypeError(f"The columns of this statement are not the fields of {kind.__name__}.")
    # By position: a mapping for each row costs more than the row itself.
    return [kind(*row) for row in result]
