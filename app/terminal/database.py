"""Opens the database for commands that only read, and all services for those that write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from pipeline.identity import user_id
from pipeline.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


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
