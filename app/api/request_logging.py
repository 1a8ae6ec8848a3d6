"""Logs and measures every request under its correlation id.

The line names the route, not the address: no query, no id of a signed upload, no file's name.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.process_metrics import REQUESTS
from app.api.signed_urls import PREFIX
from pipeline import correlation, tracing
from pipeline.logs import logger

_LOG = logger("navigator.api")
_QUIET = ("/health", "/metrics")
"""Asked all day long by machines: logged only when something is wrong."""
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class RequestLogging:
    """Binds a request's correlation id, answers it, and logs and measures how it went.

    The id is the client's when it sends a UUID as X-Correlation-ID, else a new one; the answer
    carries it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = correlation.read(Headers(scope=scope).get(correlation.HEADER)) or uuid4()
        answer = _Answer()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[correlation.HEADER] = str(given)
                answer.status = message["status"]
                answer.streams = headers.get("content-type", "").startswith("text/event-stream")
            await send(message)

        with correlation.bound([given]), _traced(scope) as said:
            began = time.perf_counter()
            try:
                await self._app(scope, receive, sending)
                answer.ended = True
            finally:
                said |= {"route": _route(scope), "status": answer.status}
                _observe(scope, answer, time.perf_counter() - began)


class _Answer:
    """What has been answered so far; a status of 0 is no answer at all."""

    status = 0
    streams = False
    ended = False


def _traced(scope: Scope) -> AbstractContextManager[tracing.Said]:
    """A span of the request, but of those that machines ask for all day long."""
    if scope["path"].startswith(_QUIET):
        return nullcontext({})
    return tracing.span(
        "request", method=scope["method"] if scope["method"] in _METHODS else "OTHER"
    )


def _observe(scope: Scope, answer: _Answer, seconds: float) -> None:
    route = _route(scope)
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    status = answer.status if answer.ended or answer.streams else 499
    if not answer.streams:
        REQUESTS.labels(method, route, str(status)).observe(seconds)
    if route.startswith(_QUIET) and status < 500:
        return
    _LOG.info(
        "request_finished", method=method, route=route, status=status, seconds=round(seconds, 4)
    )


def _route(scope: Scope) -> str:
    """The route as it is declared, from the root; of no route, a word that is always the same."""
    path: str = getattr(scope.get("route"), "path", "")
    if not path:
        return "unknown"
    # Included routers know their own part only.
    return (
        path if not scope["path"].startswith(PREFIX) or path.startswith(PREFIX) else PREFIX + path
    )
