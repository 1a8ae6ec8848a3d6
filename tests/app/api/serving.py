"""The API over a real socket, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import uvicorn
from fastapi import FastAPI

from app.api.application import create_app
from app.api.authentication import issue_token
from app.api.dependencies import ApiParts
from app.api.server import configuration
from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.store import runs
from tests.ingesting import work_off

T = TypeVar("T")


@dataclass(frozen=True)
class RunningApi:
    """A served application."""

    app: FastAPI
    url: str
    settings: Settings
    loop: asyncio.AbstractEventLoop

    @property
    def parts(self) -> ApiParts:
        """What the application holds open."""
        parts: ApiParts = self.app.state.parts
        return parts

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something with the parts, in the loop that they belong to."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def work_off(self, *jobs: str, user: str = "anna") -> None:
        """Take jobs through every stage, as a worker would."""

        async def work() -> None:
            services, run_id = self.parts.services, uuid4()
            async with services.database.service() as connection:
                await runs.start_run(connection, run_id, user_id(user), "test")
            await work_off(services, [UUID(job) for job in jobs], run_id)

        self.run(work())

    def client(self, user: str | None = "anna", *, service: bool = False) -> httpx.Client:
        """A client that carries a user's token, or none."""
        headers = {}
        if user is not None:
            token = issue_token(self.settings, user, service=service, hours=1)
            headers["Authorization"] = f"Bearer {token}"
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30)


@contextmanager
def serving(settings: Settings, **options: Any) -> Iterator[RunningApi]:
    """Serve the API until the end of the block."""
    app = create_app(settings)
    options = {"host": "127.0.0.1", "port": 0, "timeout_graceful_shutdown": 3} | options
    server = uvicorn.Server(configuration(app, settings, **options))
    loops: list[asyncio.AbstractEventLoop] = []

    def run() -> None:
        with asyncio.Runner() as runner:
            loops.append(runner.get_loop())
            runner.run(server.serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 240
    try:
        while not server.started:
            assert thread.is_alive(), "the API ended while starting"
            assert time.monotonic() < deadline, "the API did not start"
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield RunningApi(app, f"http://127.0.0.1:{port}", settings, loops[0])
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive(), "the API did not stop"
