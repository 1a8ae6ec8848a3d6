"""A running `navigator up` of the benchmark's, asked through its API, and killed in parts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from app.stack.plan import PORTS
from app.stack.ports import is_free
from app.stack.status_file import StackState, running_stack
from benchmarks.reliability.commands import Navigator
from pipeline.store.embedded_tools import postmaster_pid

START_SECONDS = 300.0


class System:
    """Everything on one home."""

    def __init__(self, navigator: Navigator, process: subprocess.Popen[str], offset: int) -> None:
        self.navigator, self._process, self._offset = navigator, process, offset

    def url(self, service: str) -> str:
        """Where a service listens."""
        return f"http://127.0.0.1:{PORTS[service] + self._offset}"

    def client(self, user: str) -> httpx.Client:
        """A client of the API for one user."""
        token = self.navigator.text("token", "--user", user).strip()
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"{self.url('api')}/api/v1", headers=headers, timeout=30)

    def kill(self, service: str) -> None:
        """SIGKILL a service; the supervisor is to bring it back."""
        os.kill(self._pid(service), signal.SIGKILL)

    def _pid(self, service: str) -> int:
        home = self.navigator.home
        found = postmaster_pid(home / "postgres") if service == "postgres" else None
        if found is None:
            state = running_stack(home)
            found = state.services[service].pid if state else None
        if found is None:
            raise RuntimeError(f"{service} does not run")
        return found

    def until_healthy(self) -> None:
        """Wait until every service is."""
        deadline = time.monotonic() + START_SECONDS
        while not _healthy(running_stack(self.navigator.home)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("`navigator up` is not healthy")
            time.sleep(0.1)


def _healthy(state: StackState | None) -> bool:
    services = state.services.values() if state else ()
    return len(services) > 0 and all(each.state in ("healthy", "done") for each in services)


@contextmanager
def system(navigator: Navigator, *, mocks: str = "on") -> Iterator[System]:
    """Start it on the home of a command; ended at the end.

    Args:
        mocks: of its own, to parse and embed with: on or off.
    """
    offset = _free_offset()
    process = navigator.start("up", "--port-offset", offset, "--mocks", mocks)
    running = System(navigator, process, offset)
    try:
        running.until_healthy()
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=120)
        if process.poll() is None:
            process.kill()
            process.communicate()


def waiting(client: httpx.Client) -> list[dict[str, Any]] | None:
    """The user's jobs that have not ended; None while the API does not answer."""
    return _jobs(client, "waiting")


def published(client: httpx.Client) -> list[dict[str, Any]] | None:
    """The user's published jobs; None while the API does not answer."""
    return _jobs(client, "published")


def _jobs(client: httpx.Client, state: str) -> list[dict[str, Any]] | None:
    try:
        answer = client.get("/jobs", params={"state": state, "limit": 100})
        found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    except (httpx.HTTPError, ValueError):
        return None
    return found


def _free_offset() -> int:
    while True:
        offset = random.randint(1000, 20000)
        if all(is_free(port + offset) for port in PORTS.values()):
            return offset
