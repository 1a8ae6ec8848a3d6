"""Guards Prefect's server: checks Host, Origin and password of every request (DNS rebinding, CSRF).

Prefect's own password protects its API routes only, and its CORS setting lets a foreign page's
simple requests through. This stands in front of everything that the server answers, websockets
too, and refuses at once:

- a Host that is none of the server's names (DNS rebinding makes a foreign page's name ours),
- an Origin that is not the page's own address (a page elsewhere in the operator's browser),
- any request without the password, but for the UI's files and the health probe.

A websocket without the password goes on to Prefect, whose handshake asks for it in the first
message, as browsers cannot send a header; that message has to come in time.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from http import HTTPStatus
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HANDSHAKE_SECONDS = 10.0
"""That a websocket has to send its first message."""

OPEN_PATHS = frozenset({"/api/health"})
"""Of the API, what is answered without the password: that the process lives."""

_PAGE_HEADERS = [
    # The password lies in the page's storage: nothing from elsewhere runs in the page, nothing is
    # sent elsewhere from it (the UI would tell its maker how it is used), and no page frames it.
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
        b"object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_CLOSED = ("/api", "/docs", "/redoc", "/openapi.json")
_READING = ("GET", "HEAD")
_POLICY_VIOLATION = 1008


class Guard:
    """An ASGI middleware in front of Prefect's server.

    Args:
        auth_string: ``user:password``.
        hosts: names in the Host header, without a port.
        origins: of pages that may ask besides the server's own.
    """

    def __init__(
        self,
        inner: Application,
        auth_string: str,
        hosts: Collection[str],
        origins: Collection[str] = (),
    ) -> None:
        self._inner = inner
        self._expected = b"Basic " + base64.b64encode(auth_string.encode())
        self._hosts = {host.lower() for host in hosts}
        self._origins = {origin.lower() for origin in origins} - {"*"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let Prefect answer."""
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        if (refusal := self._refusal(scope)) is not None:
            await _refuse(scope, send, *refusal)
            return
        if scope["type"] == "websocket":
            await self._inner(scope, _in_time(receive), send)
        else:
            await self._inner(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        host = _only(scope, b"host")
        if host is None or _name(host) not in self._hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, "This server does not go by that name."
        origin = _only(scope, b"origin")
        if origin is not None and not self._is_own(origin, host):
            return HTTPStatus.FORBIDDEN, "Pages from elsewhere may not ask this server."
        if not self._is_known(scope) and _needs_password(scope):
            return HTTPStatus.UNAUTHORIZED, "Unauthorized"
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        return origin in (f"http://{host}", f"https://{host}") or origin in self._origins

    def _is_known(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)


def _only(scope: Scope, name: bytes) -> str | None:
    """The header's value in lower case; None when it is missing, empty when it is ambiguous."""
    values = [value for each, value in scope["headers"] if each == name]
    if not values:
        return None
    return str(values[0].decode("latin-1").lower()) if len(values) == 1 else ""


def _name(host: str) -> str:
    """Of ``name:port``, the name."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _needs_password(scope: Scope) -> bool:
    if scope["type"] == "websocket":
        return False
    path: str = scope["path"]
    if path in OPEN_PATHS or not path.startswith(_CLOSED):
        return scope["method"] not in _READING
    return True


async def _refuse(scope: Scope, send: Send, status: HTTPStatus, why: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": why})
        return
    # The key under which Prefect's client and UI look for the reason.
    body = json.dumps({"exception_message": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if scope["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send) -> Send:
    """The same, with the headers that keep a page to itself."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_PAGE_HEADERS]
        await send(message)

    return sending


def _in_time(receive: Receive) -> Receive:
    """The same, but who connects and does not say who it is, is disconnected after a while."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        seen += 1
        if seen != 2:  # the first is the connection, the second the handshake
            return await receive()
        try:
            return await asyncio.wait_for(receive(), HANDSHAKE_SECONDS)
        except TimeoutError:
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}

    return bounded
