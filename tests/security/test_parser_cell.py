"""A parser that a hostile file has taken over reaches nothing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.parsing.cell.entering import Wall
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import MIB, ParseOptions
from pipeline.parsing.workers.process import WorkerProcess
from pipeline.parsing.workers.requests import PARSE
from tests.security.intruder import intrude

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such cells")

ROOT = Path(__file__).parents[2]
LIMITS = ParseOptions(timeout_seconds=30, memory_bytes=300 * MIB)
DONE = "done"


@dataclass
class World:
    """What an intruder would like to reach: a home with a secret, listeners, the parent."""

    folder: Path
    listeners: dict[str, socket.socket] = field(default_factory=dict)

    @property
    def secret(self) -> Path:
        return self.folder / "home" / "jwt_secret"

    @property
    def stored(self) -> Path:
        return self.folder / "home" / "objects" / "ben" / "raw.pdf"

    def port(self, name: str) -> int:
        return int(self.listeners[name].getsockname()[1])

    def local(self, name: str) -> str:
        return str(self.folder / name)

    def attempts(self) -> dict[str, list[Any]]:
        """Every attempt by its name, with its arguments."""
        parent = os.getpid()
        listed: list[list[Any]] = [
            ["read", str(self.secret)],
            ["read", str(self.stored)],
            ["read", f"/proc/{parent}/environ"],
            ["read", f"/proc/{parent}/maps"],
            ["read", "/etc/passwd"],
            ["list", str(self.stored.parent)],
            ["list", f"/proc/{parent}/fd"],
            ["write", str(self.folder / "new")],
            ["write", "/tmp/navigator-intruder"],
            ["write", "/dev/shm/navigator-intruder"],
            ["append", str(self.folder / "open_to_all")],
            ["link", str(self.folder / "open_to_all"), str(self.folder / "linked")],
            ["change mode", str(self.folder / "open_to_all")],
            ["remove", str(self.folder / "open_to_all")],
            ["tcp", self.port("tcp")],
            ["tcp over IPv6", self.port("tcp6")],
            ["udp", self.port("udp")],
            ["unix", self.local("socket")],
            ["unix", self.abstract],
            ["unix datagram", self.local("datagram")],
            ["listen"],
            ["netlink"],
            ["fork"],
            ["run"],
            ["kill", parent],
            ["trace", parent],
            ["peek", parent],
            ["limit another", parent],
            ["pidfd", parent],
            ["owned signals", parent],
            ["raise own limit"],
            ["outlive"],
            ["open many", sys.executable],
            ["shared memory"],
            ["new session"],
            ["new namespaces"],
            ["kernel keys"],
            ["shared segment"],
            ["memfd"],
        ]
        return {" ".join(map(str, each)): each for each in listed}

    @property
    def abstract(self) -> str:
        return f"@navigator-intruder-{os.getpid()}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    made.stored.parent.mkdir(parents=True)
    (made.folder / "home").chmod(0o700)
    made.secret.write_text("the secret of the tokens")
    made.stored.write_text("another tenant's document")
    made.secret.chmod(0o600)
    (made.folder / "open_to_all").write_text("as it was")
    (made.folder / "open_to_all").chmod(0o666)
    made.folder.chmod(0o777)
    # everybody may pass through: what holds must be the cell, not a folder above
    for parent in made.folder.parents:
        if parent.is_relative_to(tmp_path_factory.getbasetemp().parent):
            parent.chmod(parent.stat().st_mode | 0o055)
    _listen(made, "tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    _listen(made, "tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))
    _listen(made, "udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
    _listen(made, "socket", socket.AF_UNIX, socket.SOCK_STREAM, made.local("socket"))
    _listen(made, "abstract", socket.AF_UNIX, socket.SOCK_STREAM, "\0" + made.abstract[1:])
    _listen(made, "datagram", socket.AF_UNIX, socket.SOCK_DGRAM, made.local("datagram"))
    for name in ("socket", "datagram"):
        Path(made.local(name)).chmod(0o777)
    yield made
    for listener in made.listeners.values():
        listener.close()


def _listen(world: World, name: str, family: int, kind: int, address: object) -> None:
    made = socket.socket(family, kind)
    made.bind(address)  # type: ignore[arg-type]
    if kind == socket.SOCK_STREAM:
        made.listen()
    made.setblocking(False)
    world.listeners[name] = made


def arrived(world: World) -> list[str]:
    """The listeners at which somebody has been."""
    found = []
    for name, listener in world.listeners.items():
        try:
            if listener.type == socket.SOCK_STREAM:
                listener.accept()[0].close()
            else:
                listener.recv(100)
        except BlockingIOError:
            continue
        found.append(name)
    return found


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    made = WorkerProcess({PARSE: intrude}, LIMITS)
    yield made
    made.kill()


def tried(worker: WorkerProcess, attempts: list[list[Any]]) -> list[str]:
    """How the attempts ended, made by a parser in its cell."""
    document = worker.parse(json.dumps(attempts).encode(), MediaType.PDF, lambda: False)
    answer: list[str] = json.loads(document.text)
    return answer


def test_an_intruder_reaches_nothing(world: World, worker: WorkerProcess) -> None:
    """No file, no network, no other process, no new one and no limit is within reach."""
    attempts = world.attempts()
    ended = dict(zip(attempts, tried(worker, list(attempts.values())), strict=True))
    missing = {Wall.FILES, Wall.CALLS} - set(worker.walls)
    if missing:
        pytest.skip(f"this kernel offers no {', '.join(sorted(missing))}; what is left is tested")
    assert [name for name, end in ended.items() if end == DONE] == []
    assert arrived(world) == []
    assert (world.folder / "open_to_all").read_text() == "as it was"
    assert {each.name for each in world.folder.iterdir()} == {
        "home", "open_to_all", "socket", "datagram",
    }  # fmt: skip


def test_the_attempts_are_real(world: World) -> None:
    """The same attempts succeed outside of a cell, so that their failure in it says something."""
    attempts = world.attempts()
    if os.geteuid() != 0:
        pytest.skip("some of the attempts need root")
    code = "import json, sys; from tests.security.intruder import outcomes; "
    code += "print(json.dumps(outcomes(json.load(sys.stdin))))"
    asked = json.dumps(list(attempts.values()))
    done = subprocess.run(
        [sys.executable, "-c", code], input=asked, cwd=ROOT, text=True, capture_output=True
    )
    ended = json.loads(done.stdout)
    failed = [name for name, end in zip(attempts, ended, strict=True) if end != DONE]
    for path in ("new", "linked"):
        (world.folder / path).unlink(missing_ok=True)
    for path in ("/tmp/navigator-intruder", "/dev/shm/navigator-intruder"):
        Path(path).unlink(missing_ok=True)
    (world.folder / "open_to_all").write_text("as it was")
    (world.folder / "open_to_all").chmod(0o666)
    assert set(arrived(world)) == set(world.listeners)
    assert failed == []
