"""Lets a Prefect server on SQLite wait for the write lock instead of failing.

Prefect begins most of its transactions without the lock (DEFERRED), reads, and then writes. Where
another transaction wrote in between, SQLite refuses the write at once (SQLITE_BUSY_SNAPSHOT,
"database is locked"), however long it might wait for a lock: the client is answered 503, and a
heartbeat, a state or a deployment is not written. A transaction that takes the lock when it begins
(IMMEDIATE) waits for its turn.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.server.database.configurations import AioSqliteConfiguration
    from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction


def take_the_lock_first() -> None:
    """Make every transaction of this process's Prefect server on SQLite begin with the lock.

    One within another does not: it would wait for the lock that its own caller holds. Reads are no
    transactions in Prefect's sense, and go on beside the one that writes.
    """
    from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration

    begin = AioSqliteConfiguration.begin_transaction

    @asynccontextmanager
    async def begin_transaction(
        self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = False
    ) -> AsyncGenerator[AsyncSessionTransaction]:
        within = SQLITE_BEGIN_MODE.get() is not None
        async with begin(self, session, with_for_update or not within) as transaction:
            await session.connection()  # now, or the first statement would take it
            mode = SQLITE_BEGIN_MODE.set("DEFERRED")
            try:
                yield transaction
            finally:
                SQLITE_BEGIN_MODE.reset(mode)

    AioSqliteConfiguration.begin_transaction = begin_transaction
