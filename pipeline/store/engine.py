"""Connections (SQLAlchemy engine): a pool, a role for each transaction, row-level security.

`Database.service()` is the pipeline and reaches every row; `Database.reader(user)` sees only that
user's rows, because row-level security binds it; `Database.owner()` is for DDL. The role and the
user are set with SET LOCAL, so nothing of them is left on a pooled connection. Where each has a
login of its own, as in the embedded Postgres, a reader's session cannot become the pipeline, nor
the pipeline the owner. Statements name tables without a schema: each transaction begins with the
search path of ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import fields
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from pipeline import tracing
from pipeline.errors import DatabaseUnavailable
from pipeline.retry_policy import DATABASE_SECONDS
from pipeline.store.connection_retries import Backoff, revive
from pipeline.store.database_urls import Addresses, driver_url
from pipeline.store.outages import translated
from pipeline.store.schema import READER_ROLE, SEARCH_PATH, SERVICE_ROLE, USER_SETTING
from pipeline.store.session_timeouts import (
    IDLE_SECONDS,
    LASTING,
    LEAST_IDLE_SECONDS,
    STATEMENT_MILLISECONDS,
)

Record = TypeVar("Record")

# So long after its last use a connection is taken for alive.
_TRUSTED_SECONDS = 1.0

_CONNECTING: dict[str, Any] = {
    # an error would quote what was to be stored
    "hide_parameters": True,
    "connect_args": LASTING,
}
# What was paid for must outlive a crash of Postgres too, whatever a server's own default is.
_BECOMING = f"""
    SELECT set_config('role', :role, true), set_config('{USER_SETTING}', :user, true),
           set_config('idle_in_transaction_session_timeout', :idle, true),
           set_config('statement_timeout', '{STATEMENT_MILLISECONDS}', true),
           set_config('search_path', '{SEARCH_PATH}', true),
           set_config('synchronous_commit', %s, true)
"""
_BECOME = sa.text(_BECOMING % "'on'")
_BECOME_SOON = sa.text(_BECOMING % "'off'")
_OPEN = sa.text(f"SELECT set_config('search_path', '{SEARCH_PATH}', true)")


class Database:
    """Connections to one database, pooled.

    Args:
        url: a ``postgresql://`` URL; any driver suffix is replaced by ours.
        pool_size: connections kept; as many again may be opened for a burst.
        reader_url: of readers, which then have a pool of their own.
        owner_url: of who owns the schema; connected only for as long as it is needed.
        idle_seconds: a transaction in which this process does nothing for so long is ended by
            Postgres, and its locks are free: the process is frozen, or its machine is gone.
        patience_seconds: how long a transaction that cannot begin is tried again.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        reader_url: str | None = None,
        owner_url: str | None = None,
        patience_seconds: float = DATABASE_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.patience_seconds = patience_seconds
        self._idle = str(round(max(idle_seconds, LEAST_IDLE_SECONDS) * 1000))
        self.engine = _pool(url, pool_size)
        self._readers = self.engine if reader_url is None else _pool(reader_url, pool_size)
        self.owner_address = driver_url(owner_url or url)
        self._owners = self.engine if owner_url is None else _unpooled(owner_url)

    @property
    def readers_apart(self) -> bool:
        """Whether readers have a login of their own."""
        return self._readers is not self.engine

    @property
    def owner_apart(self) -> bool:
        """Whether who owns the schema has a login of its own."""
        return self._owners is not self.engine

    @classmethod
    def at(
        cls,
        addresses: Addresses,
        *,
        pool_size: int = 10,
        patience_seconds: float = DATABASE_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> Database:
        """The database at these addresses."""
        return cls(
            addresses.service,
            pool_size=pool_size,
            reader_url=addresses.reader,
            owner_url=addresses.owner,
            patience_seconds=patience_seconds,
            idle_seconds=idle_seconds,
        )

    @asynccontextmanager
    async def service(self, *, repeatable: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction as the pipeline.

        Args:
            repeatable: when Postgres itself crashes in the next moment, the transaction may be
                undone, because the work would be done again and nothing paid twice. Its commit
                then does not wait for the disk.
        """
        become = _BECOME_SOON if repeatable else _BECOME
        async with self._begin(self.engine, SERVICE_ROLE, None, become) as connection:
            yield connection

    @asynccontextmanager
    async def reader(self, user_id: UUID) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees the rows of one user and cannot write."""
        async with self._begin(self._readers, READER_ROLE, user_id) as connection:
            yield connection

    def seeing(self, user_id: UUID | None) -> AbstractAsyncContextManager[AsyncConnection]:
        """One transaction that sees the rows of one user, or with None those of everybody."""
        return self.service() if user_id is None else self.reader(user_id)

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[AsyncConnection]:
        """One transaction as who owns the schema: for DDL; only a superuser sees rows with it."""
        async with self._begin(self._owners, None, None) as connection:
            yield connection

    @asynccontextmanager
    async def login(self) -> AsyncIterator[AsyncConnection]:
        """One transaction as the pipeline's login, before it takes any role."""
        async with self._begin(self.engine, None, None) as connection:
            yield connection

    @asynccontextmanager
    async def _begin(
        self,
        engine: AsyncEngine,
        role: str | None,
        user_id: UUID | None,
        become: sa.TextClause = _BECOME,
    ) -> AsyncIterator[AsyncConnection]:
        values = None
        if role is not None:
            user = str(user_id) if user_id else ""
            values = {"role": role, "user": user, "idle": self._idle}
        with tracing.span("transaction", alone=True, role=role or "login"):
            connection, transaction = await self._begun(engine, become if role else _OPEN, values)
            with translated(engine.url):
                async with transaction:
                    yield connection

    async def _begun(
        self, engine: AsyncEngine, opening: sa.TextClause, values: dict[str, Any] | None
    ) -> tuple[AsyncConnection, AsyncExitStack]:
        """A transaction and its end, once Postgres is there; nothing was done in it yet."""
        waiting = Backoff(self.patience_seconds)
        while True:
            try:
                with translated(engine.url):
                    return await _entered(engine, opening, values)
            except DatabaseUnavailable as error:
                pause = waiting.pause(error)
            await asyncio.sleep(pause)
            await asyncio.to_thread(revive, engine.url)

    async def close(self) -> None:
        """Close every connection."""
        for engine in {self.engine, self._readers, self._owners}:
            await engine.dispose()


async def _entered(
    engine: AsyncEngine, opening: sa.TextClause, values: dict[str, Any] | None
) -> tuple[AsyncConnection, AsyncExitStack]:
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(engine.begin())
        await connection.execute(opening, values)
        return connection, stack.pop_all()


def _pool(url: str, size: int) -> AsyncEngine:
    engine = create_async_engine(driver_url(url), pool_size=size, max_overflow=size, **_CONNECTING)
    _ask_the_idle(engine.sync_engine)
    return engine


def _unpooled(url: str) -> AsyncEngine:
    return create_async_engine(driver_url(url), poolclass=NullPool, **_CONNECTING)


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
