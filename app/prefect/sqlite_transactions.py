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

    Reads are no transactions in Prefect's sense, and go on beside the one that writes.
    """
    from prefect.server.database.configurations import AioSqliteConfiguration

    begin = AioSqliteConfiguration.begin_transaction

    @asynccontextmanager
    async def begin_transaction(
        self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = False
    ) -> AsyncGenerator[AsyncSessionTransaction]:
        async with begin(self, session, with_for_update=True) as transaction:
            yield transaction

    AioSqliteConfiguration.begin_transaction = begin_transaction  # type: ignore[method-assign]
