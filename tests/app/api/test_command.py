"""`navigator api` and `navigator token` as a person starts them: a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from pipeline.loopback import free_port
from tests.app.api.calling import accepted, is_problem, text, upload
from tests.prefect_server import ROOT, end

MIB = 1024 * 1024
LARGE = 500 * MIB


@dataclass(frozen=True)
class ApiProcess:
    """The API in a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    environment: dict[str, str]

    def client(self, *options: str) -> httpx.Client:
        """A client with a token that the command line prints."""
        token = navigator(self.environment, "token", *options).strip()
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=120)

    def forget_peak(self) -> int:
        """Begin to measure the peak anew; the memory that it has now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", "ascii")
        return psutil.Process(self.process.pid).memory_info().rss

    def peak_bytes(self) -> int:
        """The most memory that it has had since then, on Linux."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024


def navigator(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def served(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiProcess]:
    """The API as the command starts it, with a database of its own."""
    folder = tmp_path_factory.mktemp("served")
    environment = {
        **os.environ,
        "NAVIGATOR_HOME": str(folder / "home"),
        "DATABASE_URL": module_database_url,
    }
    environment.pop("PREFECT_API_URL", None)
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "api", "--port", str(port)],
            env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 240
    try:
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "the API did not start"
            try:
                httpx.get(f"{url}/api/v1/openapi.json")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield ApiProcess(process, url, environment)
    finally:
        end(process)


def test_a_token_opens_the_api(served: ApiProcess) -> None:
    """Without any secret set, the home folder's own signs tokens; nobody else is let in."""
    with served.client("--user", "anna") as anna:
        accepted(anna, text("command"))
        is_problem(anna.get("/jobs", params={"user": "ben"}), 403)
        is_problem(anna.get("/jobs", headers={"Authorization": ""}), 401)
    with served.client("--user", "ops", "--service", "--hours", "1") as operator:
        assert operator.get("/jobs", params={"user": "anna"}).status_code == 200


def large() -> Iterator[bytes]:
    """A form with a file of half a gigabyte, in pieces."""
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="l.pdf"\r\n\r\n%PDF-1.7\n'
    piece = os.urandom(MIB)
    for _ in range(LARGE // MIB):
        yield piece
    yield b"\r\n--x--\r\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_stays_flat_while_half_a_gigabyte_comes_in(served: ApiProcess) -> None:
    """In by a form and out by a link: under 100 MB more than before."""
    headers: dict[str, str] = {"Content-Type": "multipart/form-data; boundary=x"}
    with served.client("--user", "anna") as anna:
        accepted(anna, text("warm"))
        before = served.forget_peak()
        answer = anna.post("/documents", content=large(), headers=headers)
        assert answer.status_code == 202
        job: dict[str, Any] = answer.json()["job"]
        assert job["bytes"] > LARGE
        by_form = served.peak_bytes() - before
        link = anna.get(f"/documents/{job['document_id']}/original").json()["url"]
        with httpx.stream("GET", link, timeout=60) as back:
            assert sum(len(piece) for piece in back.iter_bytes()) == job["bytes"]
        by_link = served.peak_bytes() - before
        assert anna.delete(f"/documents/{job['document_id']}").status_code == 204
    grown = f"{by_form / MIB:.0f} MiB on the way in, {by_link / MIB:.0f} MiB with the way out"
    print(f"\npeak memory: {grown}")  # noqa: T201
    assert max(by_form, by_link) < 100 * MIB, grown


def test_a_stop_lets_what_is_under_way_end(served: ApiProcess) -> None:
    """SIGTERM: an open stream is broken off, the process goes within seconds and leaves nobody."""
    with served.client("--user", "anna") as anna, anna.stream("GET", "/events") as stream:
        children = psutil.Process(served.process.pid).children(recursive=True)
        served.process.send_signal(signal.SIGTERM)
        with suppress(httpx.RemoteProtocolError):
            assert not [line for line in stream.iter_lines() if line.startswith("data")]
        served.process.wait(60)
    assert not psutil.wait_procs(children, timeout=60)[1]
    with served.client("--user", "anna") as anna, pytest.raises(httpx.ConnectError):
        upload(anna, text("too late"))
