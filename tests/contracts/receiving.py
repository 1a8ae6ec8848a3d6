"""A receiver of webhooks over a real socket that keeps what comes, as it came."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    """One delivery."""

    body: bytes
    headers: dict[str, str]
    at: float

    @property
    def event(self) -> dict[str, Any]:
        """The event: decoded again when the first result is a string, as receivers must."""
        value = json.loads(self.body)
        event: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
        return event

    @property
    def kind(self) -> str:
        """Such as `parse.success`."""
        return str(self.event["event_type"])


@dataclass
class Receiver:
    """Answers `answers` in turn, then 204.

    Attributes:
        when_received: called with each delivery before it is answered.
    """

    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    when_received: Callable[[Received], None] | None = None
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}/hooks/llamaparse"

    def wait_for(self, count: int, seconds: float = 60.0) -> list[Received]:
        """The deliveries, once there are so many."""
        end = time.monotonic() + seconds
        while len(self.received) < count:
            assert time.monotonic() < end, f"{len(self.received)} of {count} deliveries came"
            time.sleep(0.01)
        return self.received

    def kinds(self) -> list[str]:
        """The kinds of the events in the order they came."""
        return [each.kind for each in self.received]

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                delivery = Received(body, headers, time.monotonic())
                if receiver.when_received:
                    receiver.when_received(delivery)
                receiver.received.append(delivery)
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
