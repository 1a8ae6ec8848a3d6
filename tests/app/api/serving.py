"""The API over a real socket, in a thread of the test's own process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from app.api.application import create_app
from app.api.authentication import issue_token
from app.api.parts import ApiParts
from pipeline.settings import Settings


@dataclass(frozen=True)
class RunningApi:
    """A served application."""

    app: FastAPI
    url: str
    settings: Settings

    @property
    def parts(self) -> ApiParts:
        """What the application holds open."""
        parts: ApiParts = self.app.state.parts
        return parts

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
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=0, log_config=None, access_log=False,
            server_header=False, timeout_graceful_shutdown=3, **options,
        )
    )  # fmt: skip
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive(), "the API ended while starting"
        assert time.monotonic() < deadline, "the API did not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield RunningApi(app, f"http://127.0.0.1:{port}", settings)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the API did not stop"
