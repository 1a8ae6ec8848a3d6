"""Serves one user on standard input and output, on the home alone: no server has to run."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from mcp.server import ServerRequestContext
from mcp.server.stdio import stdio_server

from app.api.application import open_parts
from app.api.authentication import Caller
from app.api.authorization import RowAccess
from app.api.dependencies import ApiParts
from app.mcp.server import mcp_server
from app.process.log_output import configure_logs
from app.process.working_folder import leave_folder
from pipeline.identity import user_id
from pipeline.retry_policy import LOOKING_SECONDS
from pipeline.settings import Settings
from stages.services import open_services


class LocalCorpus:
    """A user's corpus on this machine, opened with the first request that needs it.

    What cannot be opened is told to whoever asked, and tried again with the next request.
    """

    def __init__(self, settings: Settings, user: str) -> None:
        owner = user_id(user)
        patience = min(LOOKING_SECONDS, settings.database_patience_seconds)
        self._settings = settings.model_copy(update={"database_patience_seconds": patience})
        self._access = RowAccess(Caller(owner, name=user), owner)
        self._open = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._parts: ApiParts | None = None

    async def asked(self, _: ServerRequestContext[Any, Any]) -> tuple[ApiParts, RowAccess]:
        """The parts, and the rights of the one user."""
        async with self._opening:
            if self._parts is None:
                async with AsyncExitStack() as stack:
                    services = await stack.enter_async_context(open_services(self._settings))
                    self._parts = await open_parts(services, stack)
                    self._open = stack.pop_all()
            return self._parts, self._access

    async def close(self) -> None:
        """Let go of everything."""
        await self._open.aclose()


def serve_stdio(settings: Settings, user: str | None) -> None:
    """Serve until standard input ends. Standard output carries the protocol and nothing else."""
    leave_folder()
    configure_logs(settings, "mcp", console=False)
    asyncio.run(_serve(settings, user or settings.user))


async def _serve(settings: Settings, user: str) -> None:
    corpus = LocalCorpus(settings, user)
    server = mcp_server(corpus.asked)
    try:
        # While it serves, file descriptor 1 of the process is standard error.
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
    finally:
        await corpus.close()
