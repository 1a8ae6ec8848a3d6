"""What becomes of a command's run when its Prefect server dies, or says that it is cancelled."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from app.prefect.server_command import SERVER_SETTINGS
from mocks import OpenAIMock
from pipeline.loopback import free_port
from pipeline.store.database_urls import driver_url
from tests.app.navigating import ROOT, Navigator, ended
from tests.prefect_server import PrefectServer, wait_until_healthy

MortalServer = tuple[subprocess.Popen[bytes], str]

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.answers_lost(3, "nobody waits for answers that are held back for a minute"),
]
_SLOW = [{"service": "openai", "match": {"path": "/v1/embeddings"},
          "fault": {"kind": "latency", "seconds": 60}}]  # fmt: skip


DEAD_PROXY = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
"""Every command here is started beside a proxy that does not answer, without NO_PROXY."""


class Provider:
    """A mock server for OpenAI that takes a minute to answer, until it is told otherwise."""

    def __init__(self, mock: OpenAIMock) -> None:
        self._control = mock.base_url.removesuffix("/v1")
        self.variables = {
            "NAVIGATOR_EMBEDDER": "openai",
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": mock.base_url,
            **DEAD_PROXY,
        }
        self.answer_after_a_minute(_SLOW)

    def answer_after_a_minute(self, script: list[dict[str, Any]]) -> None:
        httpx.post(f"{self._control}/__mock/faults", json=script).raise_for_status()

    def answer_at_once(self) -> None:
        self.answer_after_a_minute([])

    def until_asked(self, process: subprocess.Popen[str]) -> None:
        """Wait until the command has sent a text, so that it is in the middle of its run."""

        def is_asked() -> bool:
            stats = httpx.get(f"{self._control}/__mock/stats").json()
            return bool(stats["openai"]["in_flight"])

        until(is_asked, process)


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 400
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def mortal_server(prefect_server: PrefectServer, tmp_path: Path) -> Iterator[MortalServer]:
    """A server that a test may kill."""
    folder, port = tmp_path / "prefect", free_port()
    copy_history(prefect_server, folder)
    environment = {
        **os.environ,
        **SERVER_SETTINGS,
        "PREFECT_HOME": str(folder),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
        "PREFECT_UI_ENABLED": "false",
    }
    environment.pop("PREFECT_API_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", "app.prefect.application:create_app",
         "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"],
        env=environment, cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_until_healthy(url, process)
        yield process, url
    finally:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A command whose test failed does not outlive it."""
    yield
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "ingest" in child.cmdline():
                child.kill()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with OpenAIMock() as mock:
        yield Provider(mock)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A folder with three documents of the test's own."""
    folder = tmp_path / "policies"
    folder.mkdir()
    for number in range(3):
        text = f"# Policy {number}\n\nThe deductible of {os.urandom(8).hex()} is 500.\n"
        (folder / f"{number}.md").write_text(text)
    return folder


def copy_history(server: PrefectServer, folder: Path) -> None:
    """Give another server a database that need not be migrated first."""
    folder.mkdir(parents=True)
    with (
        sqlite3.connect(server.folder / "prefect.db") as source,
        sqlite3.connect(folder / "prefect.db") as target,
    ):
        source.backup(target)


def query(url: str, statement: str) -> list[Any]:
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        return connection.execute(statement).fetchall()


def test_our_own_server_is_started_again(
    prefect_server: PrefectServer,
    database_url: str,
    tmp_path: Path,
    policies: Path,
    provider: Provider,
) -> None:
    """Its server killed in mid-run, an ingest goes on with another and ends 0, and says so."""
    copy_history(prefect_server, tmp_path / "home" / "prefect")
    navigator = Navigator(tmp_path / "home", provider.variables)
    process = navigator.start("ingest", policies, DATABASE_URL=database_url)
    provider.until_asked(process)
    first = server_of(process)
    assert first is not None
    first.kill()
    until(lambda: server_of(process) not in (None, first), process)
    provider.answer_at_once()
    done = ended(process)
    assert done.code == 0, done.err
    assert "Prefect's server was away for a while in mid-run" in done.err
    assert "3 published" in done.out


def server_of(process: subprocess.Popen[str]) -> psutil.Process | None:
    """The Prefect server that a command has started."""
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if any("prefect_application" in argument for argument in child.cmdline()):
                return child
    return None


def test_a_server_that_stays_away(
    mortal_server: MortalServer,
    database_url: str,
    tmp_path: Path,
    policies: Path,
    provider: Provider,
) -> None:
    """Another's server killed for good: the ingest ends with the truth, and gives back its jobs."""
    server, url = mortal_server
    navigator = Navigator(tmp_path / "home", provider.variables)
    process = navigator.start(
        "ingest", policies, DATABASE_URL=database_url, PREFECT_API_URL=url,
        NAVIGATOR_PREFECT_PATIENCE_SECONDS="15",
    )  # fmt: skip
    provider.until_asked(process)
    server.kill()
    done = ended(process)
    assert done.code == 1, done.err
    assert "Prefect's server went away in mid-run" in done.err
    assert "3 waiting" in done.out
    jobs = query(database_url, "SELECT claimed_by, stopped FROM upload_pipeline.upload_jobs")
    assert jobs == [(None, None)] * 3
    [run] = query(database_url, "SELECT finished_at, stopped FROM upload_pipeline.ingest_runs")
    assert run[0] is not None
    assert "Prefect's server went away" in run[1]


def test_a_person_cancels_an_ingest_in_prefect(
    prefect_server: PrefectServer,
    database_url: str,
    tmp_path: Path,
    policies: Path,
    provider: Provider,
) -> None:
    """Cancelled in Prefect's pages, an ingest ends; its documents wait for `navigator resume`."""
    variables = provider.variables | {
        "DATABASE_URL": database_url,
        "PREFECT_API_URL": prefect_server.url,
    }
    navigator = Navigator(tmp_path / "home", variables)
    process = navigator.start("ingest", policies)
    provider.until_asked(process)
    [(run, flow_run)] = query(
        database_url, "SELECT id, flow_run_id FROM upload_pipeline.ingest_runs"
    )
    where = f"{prefect_server.url}/flow_runs/{flow_run}"
    body = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    httpx.post(f"{where}/set_state", json=body, timeout=30).raise_for_status()
    done = ended(process)
    assert done.code == 1, done.err
    assert "A person cancelled the run." in done.err
    assert httpx.get(where, timeout=30).json()["state_type"] == "CANCELLED"
    jobs = "SELECT claimed_by, stopped FROM upload_pipeline.upload_jobs"
    assert query(database_url, jobs) == [(None, "stopped_by_person")] * 3
    provider.answer_at_once()
    resumed = navigator("resume", str(run)[:8])
    assert resumed.code == 0, resumed.err
    assert "3 published" in resumed.out


def test_a_server_that_answers_with_errors(
    database_url: str, tmp_path: Path, policies: Path, provider: Provider
) -> None:
    """A server that is there and broken is told in a sentence, with what it answers."""

    class Broken(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path.endswith("/health") else 500)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"true")

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        variables = {
            "DATABASE_URL": database_url,
            "PREFECT_API_URL": f"http://127.0.0.1:{server.server_port}/api",
        }
        navigator = Navigator(tmp_path / "home", provider.variables | variables)
        done = navigator("ingest", policies)
        server.shutdown()
    assert done.code == 1
    assert "Prefect's server answered with an error (HTTP 500)." in done.err
