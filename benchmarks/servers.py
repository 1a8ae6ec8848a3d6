"""What a benchmark talks to, each in a process of its own: endpoint, Postgres, Prefect."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.prefect.server_command import SERVER_SETTINGS, server_command
from pipeline.child_processes import ROOT as ROOT
from pipeline.child_processes import child_environment, module_command
from pipeline.loopback import free_port

LATENCY_SECONDS = 0.03
_START_SECONDS = 180.0
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Endpoint:
    """The mock server for OpenAI, and its counters."""

    pid: int
    openai_url: str
    control_url: str

    def stats(self) -> dict[str, Any]:
        """What was asked of it since the last `reset`."""
        answer = httpx.get(f"{self.control_url}/__mock/stats", timeout=30)
        stats: dict[str, Any] = answer.raise_for_status().json()["openai"]
        return stats

    def reset(self) -> None:
        """Set the counters to zero."""
        httpx.post(f"{self.control_url}/__mock/reset", timeout=30).raise_for_status()


@contextmanager
def endpoint(latency: float = LATENCY_SECONDS) -> Iterator[Endpoint]:
    """Run the mock server for OpenAI; every request takes `latency` seconds beside its work."""
    process = subprocess.Popen(
        module_command("mocks", "--port", "0", "--openai-latency", str(latency),
                       "--until-stdin-closes"),
        env=child_environment(os.environ), start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with ending(process):
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        yield Endpoint(process.pid, addresses["openai"], addresses["control"])


def debian_postgres() -> Path | None:
    """The programs of an installed Postgres that has pg_trgm, or None."""
    for folder in sorted(_DEBIAN.glob("*/bin"), reverse=True):
        version = folder.parent.name
        extension = f"/usr/share/postgresql/{version}/extension/pg_trgm.control"
        if (folder / "postgres").exists() and Path(extension).exists():
            return folder
    return None


@contextmanager
def prefect_database(programs: Path, folder: Path) -> Iterator[tuple[int, str]]:
    """A new Postgres for Prefect's own tables: process id and asyncpg URL."""
    as_whom = _account()
    folder.mkdir(parents=True)
    if as_whom:
        # The whole way to the folder has to be open to the account that runs Postgres.
        shutil.chown(folder, as_whom, as_whom)
    port, data = free_port(), folder / "data"
    options: dict[str, Any] = {"user": as_whom, "group": as_whom} if as_whom else {}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "cwd": folder, **options}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
         "--locale=C"],
        check=True, **quiet,
    )  # fmt: skip
    process = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), "-k", folder,
         "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"],
        stderr=subprocess.DEVNULL, start_new_session=True, **quiet,
    )  # fmt: skip
    with ending(process, signal_number=2):
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        wait_for(process, lambda: subprocess.run(ready, check=False).returncode == 0)
        yield process.pid, f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"


@contextmanager
def prefect_server(database_url: str, folder: Path) -> Iterator[tuple[int, str]]:
    """A Prefect server with the settings that we use ourselves: process id and API URL.

    Without a password, so that floors and bare requests reach it too.
    """
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        **SERVER_SETTINGS,
        "PREFECT_HOME": str(folder),
        "PREFECT_API_DATABASE_CONNECTION_URL": database_url,
        "PREFECT_UI_ENABLED": "false",
    }
    environment.pop("PREFECT_API_URL", None)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            server_command(port, guarded=False), env=child_environment(environment), cwd=folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}/api"
    with ending(process):
        wait_for(process, lambda: _healthy(url))
        yield process.pid, url


def _account() -> str | None:
    """Postgres refuses to run as root: then it runs as an account without rights."""
    return "postgres" if os.geteuid() == 0 else None


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).is_success
    except httpx.HTTPError:
        return False


def wait_for(process: subprocess.Popen[bytes], ready: Any) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not start")
        time.sleep(0.1)


@contextmanager
def ending(process: subprocess.Popen[bytes], signal_number: int = 15) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal_number)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
