"""Legal holds and retention rules, for the command line; nothing is printed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from pipeline.settings import Settings

Answer = TypeVar("Answer")


async def in_transaction(settings: Settings, work: Callable[[Any], Awaitable[Answer]]) -> Answer:
    """What some work with the database gives, all of it or nothing."""
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        async with database.service() as connection:
            return await work(connection)
