"""Forwarding headers are believed from the proxies that a setting names, and from nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.api.authentication import issue_token
from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings
from tests.app.api.calling import is_problem
from tests.app.api.conftest import api, api_settings
from tests.app.api.serving import RunningApi, serving

__all__ = ["api", "api_settings"]

FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "navigator.example",
}
HIDING = (
    {"X-Forwarded-For": "203.0.113.9"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": ""},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Host": "navigator.example"},
    {"X-Real-IP": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1;proto=https"},
    {"Via": "1.1 proxy"},
)


@pytest.fixture(scope="module")
def behind(api: RunningApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """The API behind a proxy on this machine, and another one in front of that."""
    home = tmp_path_factory.mktemp("behind")
    changes = {"trusted_proxies": "127.0.0.1 10.1.0.0/16", "home": home}
    with serving(api.settings.model_copy(update=changes)) as running:
        yield running


def link(api: RunningApi, headers: dict[str, str]) -> httpx.Response:
    """A signed link, asked for with these headers."""
    token = issue_token(api.settings, "anna", service=False, hours=1)
    with httpx.Client(headers={"Authorization": f"Bearer {token}"} | headers) as client:
        return client.post(f"{api.url}/api/v1/uploads", json={"name": "a.md", "bytes": 5})


def test_nobody_is_believed_until_named(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this machine nor the server's own variable changes links or security headers."""
    answer = link(api, FORWARDED)
    assert answer.json()["upload"]["url"].startswith(f"{api.url}/api/")
    assert "Strict-Transport-Security" not in answer.headers
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with serving(api.settings) as running:
        answer = link(running, FORWARDED)
    assert answer.json()["upload"]["url"].startswith(f"{running.url}/api/")
    assert "Strict-Transport-Security" not in answer.headers


def test_a_proxy_that_is_named_is_believed(behind: RunningApi) -> None:
    """Links lead to where the client asked, and an encrypted way stays one."""
    answer = link(behind, FORWARDED)
    assert answer.json()["upload"]["url"].startswith("https://navigator.example/api/")
    assert answer.headers["Strict-Transport-Security"]
    plain = link(behind, {})
    assert plain.json()["upload"]["url"].startswith(f"{behind.url}/api/")


def test_another_proxy_than_the_one_named_is_not(api: RunningApi, tmp_path: Path) -> None:
    """A network that this machine is not in changes nothing."""
    changes = {"trusted_proxies": "10.1.0.0/16 ::1", "home": tmp_path}
    with serving(api.settings.model_copy(update=changes)) as running:
        answer = link(running, FORWARDED)
        assert answer.json()["upload"]["url"].startswith(f"{running.url}/api/")
        assert httpx.get(f"{running.url}/metrics", headers=FORWARDED).status_code == 401


def test_the_figures_are_for_this_machine_alone(api: RunningApi) -> None:
    """What was forwarded, by any header, is not this machine; nor is a page's own name."""
    assert httpx.get(f"{api.url}/metrics").status_code == 200
    for headers in (*HIDING, {"Host": "rebound.example"}, {"Host": "rebound.example:8000"}):
        is_problem(httpx.get(f"{api.url}/metrics", headers=headers), 401)
    local = httpx.URL(api.url).copy_with(host="localhost")
    for host in (local.netloc.decode(), "127.0.0.1", "[::1]:8000"):
        assert httpx.get(f"{api.url}/metrics", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("addresses", "status"),
    [
        ("203.0.113.9", 401),
        ("203.0.113.9, 10.1.2.3", 401),
        # what the client wrote itself stands before what the proxies saw
        ("127.0.0.1, 203.0.113.9", 401),
        ("127.0.0.1, 203.0.113.9, 10.1.2.3", 401),
        ("nonsense", 401),
        ("127.0.0.1", 200),
    ],
)
def test_a_proxy_tells_who_asked(behind: RunningApi, addresses: str, status: int) -> None:
    """The client is the last address that is no proxy's."""
    answer = httpx.get(f"{behind.url}/metrics", headers={"X-Forwarded-For": addresses})
    assert answer.status_code == status


@pytest.mark.parametrize("wrong", ["*", "proxy.example", "10.0.0.0/33", "10.0.0.1/8", "1.2.3"])
def test_a_proxy_is_named_by_its_address(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """Nobody is believed for a name, and nobody means everybody by mistake."""
    monkeypatch.setenv("NAVIGATOR_TRUSTED_PROXIES", wrong)
    with pytest.raises(ConfigurationError, match="NAVIGATOR_TRUSTED_PROXIES"):
        load_settings()
