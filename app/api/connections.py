"""Connections that drip: who does not finish a request's head in time is hung up on.

Uvicorn bounds neither that nor the body; the body's time is bounded around the application.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class BoundedConnection(H11Protocol):
    """A connection whose requests begin in time.

    Attributes:
        seconds: from a request's first byte, or from the connection, to the end of its head.
    """

    seconds: ClassVar[float] = 30.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._expect()
        else:
            self._expect_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._expect_no_more()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self.transport.close)

    def _expect_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bounded(seconds: float) -> type[BoundedConnection]:
    """The protocol for `uvicorn.Config(http=…)`."""
    return type("BoundedConnection", (BoundedConnection,), {"seconds": seconds})
