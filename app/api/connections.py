"""Closes connections whose request headers do not arrive in time (slowloris protection).

Uvicorn bounds neither the head nor the body; the body's time is bounded around the application.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.api.middleware import SECURITY_HEADERS
from app.api.problems import problem
from app.api.strict_http import StrictConnection

LINGER_SECONDS = 5.0
LINGER_BYTES = 1024 * 1024
"""Of a body that nobody reads after the answer; a client that still sends sees its answer so."""


class BoundedConnection(H11Protocol):
    """A connection whose requests have to begin and end in time (slowloris protection).

    Attributes:
        seconds: from a request's first byte, or from the connection, to the end of its head.
    """

    seconds: ClassVar[float] = 30.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn: StrictConnection = StrictConnection()
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._unread_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        self._unread_bytes += len(data)
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._expect()
        else:
            self._expect_no_more()
        if self._unread is not None:
            self._go_on_discarding()

    def on_response_complete(self) -> None:
        """Bound what is left of a body that was answered before it was read."""
        super().on_response_complete()
        if self._is_unread() and self._unread is None:
            self._unread_bytes = 0
            self._unread = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._expect_no_more()
        self._discard_no_more()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, as a problem, and close the connection."""
        if self.cycle is not None:
            # Who is at work on the request has nobody to answer any more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()  # an answer has begun
            return
        detail = "The request is not well-formed HTTP (RFC 9112)."
        if self.conn.status == 431:
            detail = "The request's headers are too many or too large."
        answer = problem(
            self.conn.status, detail, "malformed_request", "Send it with another client.",
            headers={**SECURITY_HEADERS, "Connection": "close"},
        )  # fmt: skip
        events = (
            h11.Response(
                status_code=answer.status_code, headers=answer.raw_headers,
                reason=HTTPStatus(answer.status_code).phrase.encode(),
            ),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        )  # fmt: skip
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _expect(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self.transport.close)

    def _expect_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_unread(self) -> bool:
        answered = self.cycle is not None and self.cycle.response_complete
        return answered and self.conn.their_state is h11.SEND_BODY

    def _go_on_discarding(self) -> None:
        if not self._is_unread():
            self._discard_no_more()
        elif self._unread_bytes > LINGER_BYTES:
            self.transport.close()

    def _discard_no_more(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def bounded(seconds: float) -> type[BoundedConnection]:
    """The protocol for `uvicorn.Config(http=…)`."""
    return type("BoundedConnection", (BoundedConnection,), {"seconds": seconds})
