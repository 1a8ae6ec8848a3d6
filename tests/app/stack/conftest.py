"""The whole system, started once for all tests here by the command that people use."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from app.stack.plan import PORTS
from app.stack.ports import is_free
from app.stack.status_file import StackState, running_stack
from pipeline.store.embedded_access import ADMINISTRATOR, address
from pipeline.store.embedded_tools import postmaster_pid
from tests.app.navigating import Navigator
from tests.bill_checking import Account, check

UP_SECONDS = 240


@dataclass
class RunningStack:
    """A running `navigator up` and its home."""

    navigator: Navigator
    process: subprocess.Popen[str]
    port_offset: int

    @property
    def home(self) -> Path:
        return self.navigator.home

    def state(self) -> StackState:
        found = running_stack(self.home)
        assert found is not None, "the stack does not run"
        return found

    def pid(self, service: str) -> int:
        found = self.state().services[service].pid
        assert found is not None, f"{service} does not run"
        return found

    def until(self, condition: Callable[[StackState], bool], seconds: float = UP_SECONDS) -> None:
        """Wait until the stack is as it should be."""
        deadline = time.monotonic() + seconds
        while True:
            assert self.process.poll() is None, self.log()
            found = running_stack(self.home)
            if found is not None and condition(found):
                return
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def log(self) -> str:
        return (self.home / "logs" / "stack.log").read_text("utf-8")

    def processes(self) -> list[psutil.Process]:
        """Everything that belongs to it."""
        supervisor = psutil.Process(self.process.pid)
        found = [supervisor, *supervisor.children(recursive=True)]
        if (postmaster := postmaster_pid(self.home / "postgres")) is not None:
            found.append(psutil.Process(postmaster))
        return found


def is_up(state: StackState) -> bool:
    """Everything that the stack has said so far is as it should be, and it has said everything."""
    return len(state.services) > 0 and all(
        each.state in ("healthy", "done") for each in state.services.values()
    )


def free_offset() -> int:
    """An offset at which no port is taken."""
    while True:
        offset = random.randint(1000, 20000)
        if all(is_free(port + offset) for port in PORTS.values()):
            return offset


def start(home: Path, *arguments: str) -> RunningStack:
    """Start a stack; the caller ends it."""
    navigator, offset = Navigator(home), free_offset()
    process = navigator.start("up", "--port-offset", offset, *arguments)
    return RunningStack(navigator, process, offset)


def end(stack: RunningStack) -> None:
    """Ask it to end, and wait."""
    if stack.process.poll() is None:
        stack.process.send_signal(signal.SIGTERM)
    stack.process.communicate(timeout=100)


def kept(stack: RunningStack) -> int:
    """How many documents of anybody, and stored files, there are."""
    with psycopg.connect(address(stack.home / "postgres", ADMINISTRATOR)) as connection:
        row = connection.execute("SELECT count(*) FROM upload_pipeline.documents").fetchone()
    assert row is not None
    return int(row[0]) + sum(each.is_file() for each in (stack.home / "objects").rglob("*"))


_account = Account()


@pytest.fixture(autouse=True)
def ledger_of_the_stack(request: pytest.FixtureRequest) -> Iterator[None]:
    """What its own mock servers bill is in the ledger of its own database, as long as it runs."""
    yield
    if "stack" in request.fixturenames:
        stack: RunningStack = request.getfixturevalue("stack")
        if stack.process.poll() is None:
            check(request.node, _account)


@pytest.fixture(scope="session")
def stack(scratch: Path) -> Iterator[RunningStack]:
    """Everything, healthy, parsing and embedding with the mock servers."""
    running = start(scratch / "stack", "--mocks", "on")
    try:
        running.until(is_up)
        _account.add_database(address(running.home / "postgres", ADMINISTRATOR))
        stand_ins = f"http://127.0.0.1:{PORTS['mocks'] + running.port_offset}/__mock/stats"
        _account.add_stand_in("mocks", lambda: dict(httpx.get(stand_ins).json()))
        yield running
    finally:
        end(running)
