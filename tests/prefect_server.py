"""A real Prefect server, started once a session for the tests that need one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.prefect.server_command import CLIENT_SETTINGS, SERVER_SETTINGS
from pipeline.loopback import free_port
from tests.prefect_template import put_database

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 300


@dataclass(frozen=True)
class PrefectServer:
    """Where the server is, and a home folder for its clients."""

    url: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """For a process that is a client of this server."""
        return {
            **os.environ,
            **CLIENT_SETTINGS,
            "PREFECT_API_URL": self.url,
            "PREFECT_HOME": str(self.folder / "client"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }

    def prefect(self, *arguments: str) -> str:
        """Run Prefect's command line in the checkout; what it printed, on an exit code of 0."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def in_this_process(self) -> Iterator[None]:
        """Prefect's client in the test itself speaks to this server."""
        from prefect.settings import (
            PREFECT_API_URL,
            PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
            PREFECT_HOME,
            temporary_settings,
        )

        updates = {
            PREFECT_API_URL: self.url,
            PREFECT_HOME: self.folder / "client",
            PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False,
        }
        with temporary_settings(updates=updates):
            yield


@pytest.fixture(scope="session")
def prefect_server(scratch: Path) -> Iterator[PrefectServer]:
    """The session's Prefect server."""
    with started(scratch / "prefect") as server:
        yield server


@pytest.fixture(scope="module")
def fresh_prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A Prefect server for one module: what others left in the session's is not there."""
    with started(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@contextmanager
def started(folder: Path) -> Iterator[PrefectServer]:
    """A Prefect server without its pages, which keeps everything in the folder."""
    put_database(folder, _serving)
    with _serving(folder) as server:
        yield server


@contextmanager
def _serving(folder: Path) -> Iterator[PrefectServer]:
    folder.mkdir(exist_ok=True)
    port = free_port()
    environment = {
        **os.environ,
        **SERVER_SETTINGS,
        "PREFECT_HOME": str(folder),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
        "PREFECT_UI_ENABLED": "false",
    }
    environment.pop("PREFECT_API_URL", None)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", "app.prefect.application:create_app",
             "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}/api"
        wait_until_healthy(url, process)
        yield PrefectServer(url, folder)
    finally:
        end(process)


def prepare_home(home: Path) -> None:
    """Give a home that is not there yet the database of its Prefect server."""
    if not home.exists():
        home.mkdir(mode=0o700, parents=True)
        put_database(home / "prefect", _serving)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make it."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for the server's health."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the Prefect server ended while starting"
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        time.sleep(0.2)
    raise AssertionError("the Prefect server did not start")
