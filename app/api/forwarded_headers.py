"""Trusts X-Forwarded headers from the proxies that a setting names, and from nobody else."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
              "x-real-ip")  # fmt: skip
_FROM_PROXY = "navigator.from_proxy"


class TrustedProxies:
    """Tells a request's client, scheme and host as the proxy in front of us tells them.

    The client is the last address of X-Forwarded-For that is none of the proxies themselves, since
    each proxy appends the one that it saw, and what stands before is the client's own word.

    Args:
        proxies: addresses and networks.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        self._app = app
        self._proxies = [ipaddress.ip_network(each) for each in proxies]
        self._believing = ProxyHeadersMiddleware(
            app,  # type: ignore[arg-type]
            trusted_hosts=list(proxies),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not self._is_proxy(scope.get("client")):
            await self._app(scope, receive, send)
            return
        scope[_FROM_PROXY] = True
        headers = MutableHeaders(scope=scope)
        host = headers.get("x-forwarded-host", "").rpartition(",")[2].strip()
        if host:
            headers["host"] = host
        await self._believing(scope, receive, send)  # type: ignore[arg-type]

    def _is_proxy(self, client: tuple[str, int] | None) -> bool:
        try:
            address = ipaddress.ip_address(client[0] if client else "")
        except ValueError:
            return False
        return any(address in each for each in self._proxies)


def is_hidden(request: HTTPConnection) -> bool:
    """Whether somebody whom we do not believe forwarded a request, so that we cannot tell whose."""
    return _FROM_PROXY not in request.scope and any(name in request.headers for name in _FORWARDED)
