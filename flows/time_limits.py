"""Limits the time of flows; one that takes too long releases its documents.

Prefect's own time limit cancels again and again whatever a run still awaits, so that the run could
not give back its claims; ours cancels once. Prefect's stands behind it, for a run that hangs even
in giving back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import Enum
from uuid import UUID

from pipeline.errors import ServiceUnavailable
from pipeline.settings import Settings
from pipeline.store import runs
from stages.services import Services

LAST_LIMIT_SECONDS = timedelta(days=14).total_seconds()
"""Prefect's own limit for each flow; longer than any of ours, whatever the settings say."""


CODE = "time_limit"


class TimeLimit(Enum):
    """How long a run of each kind may take, before NAVIGATOR_TIME_LIMIT_FACTOR."""

    INGEST = timedelta(hours=24)
    BACKFILL = timedelta(hours=24)
    SWEEP = timedelta(hours=1)
    BATCH = timedelta(hours=6)
    REPORT = timedelta(minutes=30)
    LOOK = timedelta(minutes=2)  # a sweep's questions to the database, before it has any work
    TIDYING = timedelta(seconds=20)  # a sweep's care for the storage


@asynccontextmanager
async def time_limit(limit: TimeLimit, settings: Settings) -> AsyncIterator[None]:
    """Cancel what runs inside when it takes longer than its kind may.

    Raises:
        ServiceUnavailable: it did; what it held has been given back.
    """
    allowed = limit.value * settings.time_limit_factor
    try:
        async with asyncio.timeout(allowed.total_seconds()) as clock:
            yield
    except TimeoutError:
        if not clock.expired():
            raise
        raise ServiceUnavailable(
            f"It took longer than a {limit.name.lower()} may ({allowed}); "
            "what is not finished goes on in a later run.",
            code=CODE,
            remedy="Nothing to do, unless it happens again: then look for what is slow, or raise "
            "NAVIGATOR_TIME_LIMIT_FACTOR.",
        ) from None


@asynccontextmanager
async def limited_run(parts: Services, run_id: UUID, limit: TimeLimit) -> AsyncIterator[None]:
    """The same for a run of our database, where the reason is written down.

    Raises:
        ServiceUnavailable: it took too long.
    """
    try:
        async with time_limit(limit, parts.settings):
            yield
    except ServiceUnavailable as error:
        if error.code == CODE:
            async with parts.database.service() as connection:
                await runs.finish_run(connection, run_id, error.message)
        raise
