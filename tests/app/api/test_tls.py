"""The API outside this machine: behind a proxy that speaks TLS, or not at all."""

from __future__ import annotations

import httpx
import pytest

from app.api.application import create_app
from app.api.server import serve
from app.api.tls import requires_tls
from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings

PROXY = "10.0.0.7"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_is_served_plainly(host: str) -> None:
    """Nothing leaves it."""
    assert not requires_tls(load_settings(), host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "api.example.org"])
def test_others_are_served_only_behind_a_proxy(host: str) -> None:
    """Without one the API does not start, unless the place where it listens is named."""
    with pytest.raises(ConfigurationError, match="without TLS"):
        serve(load_settings(), host, 0)
    assert requires_tls(load_settings(trusted_proxies=PROXY), host)
    assert not requires_tls(load_settings(plain_hosts=f"other {host}"), host)


def test_a_plain_public_address_is_refused() -> None:
    """Links and webhooks that it stands in would be followed without TLS."""
    with pytest.raises(ConfigurationError, match="API leaves this machine without TLS"):
        serve(load_settings(public_url="http://api.example.org"), "127.0.0.1", 0)


async def test_only_what_came_by_tls_is_answered() -> None:
    """The proxy says so, and nobody else is believed; probes are answered."""
    app = create_app(load_settings(trusted_proxies=PROXY), tls=True)
    path, https = "/api/v1/openapi.json", {"X-Forwarded-Proto": "https"}

    async def asked(client: str, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as stranger:
            return await stranger.get(path, headers=headers)

    assert (await asked(PROXY, path, https)).status_code == 200
    for client, headers in ((PROXY, {}), ("10.0.0.8", https), ("10.0.0.8", {})):
        refused = await asked(client, path, headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "tls_required")
    assert (await asked("10.0.0.8", "/health/live", {})).status_code == 200
