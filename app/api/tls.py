"""Serves the API by TLS alone outside this machine: it stands behind a proxy that speaks TLS."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem
from pipeline import transport
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from pipeline.transport import VARIABLE, Transport

_PROBES = "/health/"


def requires_tls(settings: Settings, host: str) -> bool:
    """Whether requests have to have come by TLS, to a proxy that says so.

    Args:
        host: where the API listens.

    Raises:
        ConfigurationError: it would be served plain to other machines.
    """
    if transport.of_host(host, settings.allowed_plain) is not Transport.PLAIN:
        return False
    if settings.trusted_proxies:
        return True
    raise ConfigurationError(
        f"The API would be served to other machines without TLS, at {host}.",
        remedy="Let it listen at 127.0.0.1; or name the proxy in front of it, which speaks TLS, in "
        f"NAVIGATOR_TRUSTED_PROXIES; or, in a closed network, name {host} in {VARIABLE}.",
    )


class RequireTls:
    """Refuses requests that did not come by TLS; probes tell nothing and are answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        plain = scope["type"] == "http" and scope.get("scheme") != "https"
        if not plain or scope["path"].startswith(_PROBES):
            await self._app(scope, receive, send)
            return
        detail = "This API is reached by https only."
        remedy = "Ask the address that the proxy in front of it serves, with https://."
        answer = problem(403, detail, "tls_required", remedy)
        await answer(scope, receive, send)
