"""Whose password goes to which Prefect server, and what is said when it is refused."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.prefect.access import auth_file, named_auth_string, own_auth_string, require
from app.prefect.server import join_prefect
from pipeline.errors import ConfigurationError, ServiceUnavailable

VARIABLES = (
    "PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED",
    "PREFECT_API_KEY",
)  # fmt: skip


class Foreign(ThreadingHTTPServer):
    """A Prefect server of somebody else's, that notes the passwords it is given."""

    password = ""
    tokens = False
    given: list[str | None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api"


class _Answers(BaseHTTPRequestHandler):
    server: Foreign

    def do_GET(self) -> None:
        given = self.headers["Authorization"]
        self.server.given.append(given)
        closed = self.path != "/api/health" and self.server.password
        no_tokens = "csrf-token" in self.path and not self.server.tokens
        self.send_response(
            401 if closed and given != self.server.password else 422 if no_tokens else 200
        )
        answer = b'{"token": "abc"}'
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Iterator[Foreign]:
    """The server, named by PREFECT_API_URL; what is set for its client is unset afterwards."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with Foreign(("127.0.0.1", 0), _Answers) as server:
        server.given = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PREFECT_API_URL", server.url)
        yield server
        server.shutdown()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a password of its own."""
    own_auth_string(tmp_path / "prefect")
    return tmp_path


def test_the_homes_password_stays_at_home(foreign: Foreign, home: Path) -> None:
    """A server that the environment names is not sent the password of the home's own."""
    assert join_prefect(home, None) == foreign.url
    require(foreign.url)
    assert foreign.given == [None, None, None]
    assert "PREFECT_API_AUTH_STRING" not in os.environ
    assert os.environ["PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"] == "false"


def test_a_server_that_wants_tokens_gets_them_without_a_password_too(
    foreign: Foreign, home: Path
) -> None:
    """Somebody's server with CSRF protection and no password would refuse every change else."""
    foreign.tokens = True
    join_prefect(home, None)
    require(foreign.url)
    assert os.environ["PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"] == "true"


def test_the_environments_password_is_used(
    foreign: Foreign, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PREFECT_API_AUTH_STRING goes to the server that PREFECT_API_URL names, as it is."""
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "them:theirs")
    join_prefect(home, None)
    require(foreign.url)
    assert foreign.given == ["Basic dGhlbTp0aGVpcnM="] * 2 or foreign.given == [
        None, "Basic dGhlbTp0aGVpcnM=",
    ]  # fmt: skip
    assert os.environ["PREFECT_API_AUTH_STRING"] == "them:theirs"
    assert os.environ["PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"] == "true"


def test_a_file_may_hold_it(foreign: Foreign, home: Path, tmp_path: Path) -> None:
    """NAVIGATOR_PREFECT_AUTH_FILE names a file with it, for who keeps secrets in files."""
    (tmp_path / "secret").write_text("them:theirs\n")
    foreign.password = "Basic dGhlbTp0aGVpcnM="
    join_prefect(home, tmp_path / "secret")
    require(foreign.url)
    assert os.environ["PREFECT_API_AUTH_STRING"] == "them:theirs"


def test_the_homes_own_server_gets_the_homes_password(foreign: Foreign, home: Path) -> None:
    """When PREFECT_API_URL names the server of the running `navigator up`, its password is sent."""
    (home / "stack").mkdir()
    services = {"prefect": {"state": "healthy", "address": foreign.url.removesuffix("/api")}}
    (home / "stack" / "state.json").write_text(json.dumps({"pid": 1, "services": services}))
    with (home / "stack" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        join_prefect(home, None)
    assert os.environ["PREFECT_API_AUTH_STRING"] == auth_file(home / "prefect").read_text()


def test_a_refused_password_is_told(foreign: Foreign, home: Path) -> None:
    """Who has no password, or another one, is told which variable holds it."""
    foreign.password = "Basic other"
    join_prefect(home, None)
    with pytest.raises(ConfigurationError, match="refuses the password") as refused:
        require(foreign.url)
    assert "PREFECT_API_AUTH_STRING" in refused.value.remedy


def test_no_server_is_told(foreign: Foreign, home: Path) -> None:
    """A server that does not answer is still told as such."""
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        require("http://127.0.0.1:1/api")


@pytest.mark.parametrize("time", ["first", "second"])
def test_what_is_set_here_is_gone_at_the_next_test(time: str, home: Path) -> None:
    """How one test's server is asked is not how the next one's is."""
    assert "PREFECT_CLIENT_MAX_RETRIES" not in os.environ
    join_prefect(home, None)
    assert "PREFECT_CLIENT_MAX_RETRIES" in os.environ


@pytest.mark.parametrize("content", ["", "nocolon", "a:b\nc:d", "a:\x00"])
def test_a_file_that_holds_none(tmp_path: Path, content: str) -> None:
    """A file without a password is refused by name, and not quoted."""
    path = tmp_path / "secret"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="does not hold user:password"):
        named_auth_string(path)
    with pytest.raises(ConfigurationError, match="cannot be kept or read"):
        named_auth_string(tmp_path / "none")


def test_no_password_goes_to_another_machine_without_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain address of another machine is refused before anything is sent there."""
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example.org:4200/api")
    with pytest.raises(ConfigurationError, match="Prefect server leaves this machine"):
        join_prefect(tmp_path, None)
    monkeypatch.setenv("NAVIGATOR_PLAIN_HOSTS", "prefect.example.org")
    assert join_prefect(tmp_path, None) == "http://prefect.example.org:4200/api"
