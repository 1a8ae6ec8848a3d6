"""Middleware around every request: limits of size and time, security headers, error answers."""

from __future__ import annotations

import asyncio
import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import TooLarge, problem, unforeseen
from pipeline.logs import logger
from pipeline.redacted_traceback import stack_of

BODY_BYTES = 64 * 1024
"""Of a request that is no upload: what the longest question with every tag takes as JSON."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_LOG = logger("navigator.api")
_HSTS = "max-age=31536000"


class BrokenOff(Exception):
    """An answer that had begun cannot be finished: the connection is closed."""


class AnswerHeaders:
    """Adds security headers, and what is left of the user's limits, to every answer.

    A route's own header stays. An error that nobody foresaw becomes a problem here, outside
    everything else, and is never logged with its text, which may quote what the user sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                given = dict(SECURITY_HEADERS)
                if scope["scheme"] == "https":
                    given["Strict-Transport-Security"] = _HSTS
                given |= scope.get("state", {}).get("headers", {})
                for name, value in given.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            _LOG.error("request_failed", error=type(error).__name__, stack=stack_of(error))
            if started:
                raise BrokenOff from None
            await unforeseen()(scope, receive, sending)


class RequestLimits:
    """Refuses bodies that are too large, and requests that take too long.

    Args:
        seconds: to answer.
        unlimited: matches "METHOD path" of requests that keep their own time and size.
    """

    def __init__(self, app: ASGIApp, *, seconds: float, unlimited: re.Pattern[str]) -> None:
        self._app = app
        self._seconds = seconds
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or self._unlimited.fullmatch(
            f"{scope['method']} {scope['path']}"
        ):
            await self._app(scope, receive, send)
            return
        answering = _Answering(scope, receive, send)
        try:
            async with asyncio.timeout(self._seconds) as timer:
                await self._app(scope, answering.receive, answering.send)
        except TimeoutError:
            if answering.started or not timer.expired():
                raise
            detail = "The answer took too long."
            answer = problem(503, detail, "timeout", "Try again.", headers={"Retry-After": "5"})
            await answer(scope, receive, send)


class _Answering:
    """One request: its body counted, and the answer replaced once it is too large."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        length = dict(scope["headers"]).get(b"content-length", b"")
        self._taken = 0
        # Refused when somebody wants to read it, and so after the caller's token was looked at.
        self._said_too_large = length.isdigit() and int(length) > BODY_BYTES
        self._too_large = False
        self.started = False

    async def receive(self) -> Message:
        self._too_large |= self._said_too_large
        if not self._too_large:
            message = await self._receive()
            self._taken += len(message.get("body", b""))
            self._too_large = self._taken > BODY_BYTES
        if self._too_large:
            raise _too_large()
        return message

    async def send(self, message: Message) -> None:
        if self._too_large and not self.started:
            # Whatever was made of the broken-off body, this is why.
            self.started = True
            error = _too_large()
            answer = problem(error.status, error.message, error.code, error.remedy)
            await answer(self._scope, self._receive, self._send)
        elif not self._too_large:
            self.started = True
            await self._send(message)


def _too_large() -> TooLarge:
    detail = f"A request's body may have {BODY_BYTES} bytes at most."
    return TooLarge(detail, remedy="Send less at once.")
