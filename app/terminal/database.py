"""Opens the database for commands that only read, and all services for those that write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.identity import user_id
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from pipeline.store.engine import Database

Answer = TypeVar("Answer")


def with_database(work: Callable[[Database], Awaitable[Answer]]) -> Answer:
    """What some work with the settings' database gives; it is closed at the end."""
    from stages.services import open_database

    async def opened() -> Answer:
        async with AsyncExitStack() as stack:
            return await work(await open_database(load_settings(), stack))

    return asyncio.run(opened())


async def in_transaction(settings: Settings, work: Callable[[Any], Awaitable[Answer]]) -> Answer:
    """What some work with a connection gives, all of it or nothing."""
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        async with database.service() as connection:
            return await work(connection)


@asynccontextmanager
async def reading(settings: Settings, user: str | None) -> AsyncIterator[AsyncConnection]:
    """A connection that sees one user's rows; the embedded database is started when needed.

    Raises:
        DatabaseUnavailable, ConfigurationError: in one sentence.
    """
    from pipeline.retry_policy import LOOKING_SECONDS
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
        async with database.reader(user_id(user or settings.user)) as connection:
            yield connection
