"""Reads the database for an experiment, also while it is being restarted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from uuid import UUID

from app.chaos.oracle import Corpus
from pipeline.errors import TransientError
from pipeline.store import corpus
from pipeline.store.clock import database_time
from pipeline.store.database_urls import Addresses
from pipeline.store.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_PATIENCE_SECONDS = 120.0
Seen = TypeVar("Seen")


class Watch:
    """Reads the database, also while it is being restarted: a reading is tried until it works."""

    def __init__(self, addresses: Addresses) -> None:
        self._runner = asyncio.Runner()
        self._database = Database.at(addresses, pool_size=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.run(self._database.close())
        self._runner.close()

    def corpus(self, user: UUID) -> Corpus:
        """All that the oracle compares."""

        async def read(connection: AsyncConnection) -> Corpus:
            return Corpus(
                await corpus.passages(connection, user),
                await corpus.standings(connection, user),
                await corpus.ledger(connection, user),
            )

        return self._read(read)

    def clock(self) -> datetime:
        """The database's time."""
        return self._read(database_time)

    def events(self, user: UUID) -> int:
        """Steps that the user's documents have made."""
        return self._read(lambda connection: corpus.count_events(connection, user))

    def recoveries(self, user: UUID, faults: list[datetime]) -> list[float]:
        """Seconds from each fault until the work on the user's documents went on."""
        found = []
        for at in faults:
            after = self._read(lambda connection, at=at: corpus.next_event(connection, user, at))  # type: ignore[misc]
            if after is not None:
                found.append((after - at).total_seconds())
        return found

    def _read(self, read: Callable[[AsyncConnection], Awaitable[Seen]]) -> Seen:
        async def once() -> Seen:
            async with self._database.service() as connection:
                return await read(connection)

        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self._runner.run(once())
            except TransientError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
