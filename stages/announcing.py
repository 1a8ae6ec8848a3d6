"""Announces a process while it runs, so that its settings and release can be compared."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from pipeline.env_files import ENTERED
from pipeline.errors import NavigatorError
from pipeline.logs import logger
from pipeline.settings_facts import settings_facts
from pipeline.store import processes
from stages.heartbeat import renewing
from stages.services import Services

RELEASE = "NAVIGATOR_RELEASE"
"""Names the release that a process runs."""
_LOG = logger("navigator.process")


@asynccontextmanager
async def announced(services: Services, kind: str) -> AsyncIterator[None]:
    """Announce this process for the time of the block; a database that is away stops nothing.

    Args:
        kind: api or worker.
    """
    database, name = services.database, services.worker

    async def see() -> None:
        async with database.service() as connection:
            await processes.see(connection, name)

    try:
        async with database.service() as connection:
            await processes.announce(
                connection,
                name,
                kind,
                environment=os.environ.get(ENTERED) or None,
                release=os.environ.get(RELEASE) or None,
                settings=settings_facts(services.settings, services.installation),
            )
    except NavigatorError as error:
        _LOG.warning("process_not_announced", code=error.code)
    try:
        async with renewing(processes.SEEN_SECONDS, see):
            yield
    finally:
        with suppress(NavigatorError):
            async with database.service() as connection:
                await processes.leave(connection, name)
