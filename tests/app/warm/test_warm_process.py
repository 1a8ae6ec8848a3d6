"""The warm process: the next reading command need not import anything, and differs in nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.warm.protocol import _PACKAGES, STALE, Request
from app.warm.server import _is_ours
from pipeline.store.embedded import stop_embedded
from pipeline.store.embedded_tools import postmaster
from tests.app.navigating import Navigator, ended
from tests.rooms import ROOMS, ROOT

pytestmark = pytest.mark.timeout(180)


def until(seen: Callable[[], object], what: str, seconds: float = 90) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


def server(path: Path) -> psutil.Process:
    """The process that answers at this socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return psutil.Process(int.from_bytes(told[:4], "little"))


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Navigator]:
    """A home in which the embedded Postgres, and so the warm process, goes on for a minute."""
    home = tmp_path_factory.mktemp("warm") / "home"
    yield Navigator(home, {"NAVIGATOR_DATABASE_IDLE_SECONDS": "60"})
    stop_embedded(home / "postgres")


@pytest.fixture
def warm(cold: Navigator) -> Iterator[Navigator]:
    """The same once a reading command has run and left a warm process."""
    path = cold.home / "warm.sock"
    assert cold("status").code == 0
    until(lambda: path.exists() and listens(path), "no warm process")
    process = server(path)
    yield cold
    path.unlink(missing_ok=True)
    process.wait(60)


@pytest.fixture
def broken(tmp_path: Path) -> dict[str, str]:
    """Variables with which a process of its own could not open the database."""
    (tmp_path / "sqlalchemy.py").write_text("raise SystemExit('imported')")
    return {"PYTHONPATH": str(tmp_path)}


def test_the_next_command_imports_nothing(warm: Navigator, broken: dict[str, str]) -> None:
    """It answers as in a process of its own, with its own exit code, streams and environment."""
    assert warm("plan", "nothing-there", **broken).code == 1  # what runs cold would fail
    for command, code in ((("status",), 0), (("list", "--json"), 0), (("list", "--state", "x"), 2)):
        told, here = warm(*command, **broken), warm.here(*command)
        assert (told.code, told.out, told.err) == (code, here.out, here.err)
    remark = warm("status", **broken, NAVIGATOR_CHUNK_TOKENZ="300")
    assert "NAVIGATOR_CHUNK_TOKENZ" in remark.err


def test_a_program_that_was_edited_is_not_run(warm: Navigator, broken: dict[str, str]) -> None:
    """Whoever asks for another state of the program is refused, and the process ends."""
    path = warm.home / "warm.sock"
    process = server(path)
    message = Request("another", ["status"], {}, "/", 0o077, "utf-8", "strict").message()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        socket.send_fds(connection, [message], [0, 1, 2])
        assert connection.recv(1) == STALE
    process.wait(60)
    assert not path.exists()
    assert warm("status", **broken).code != 0
    assert warm("status").code == 0


def test_an_interruption_reaches_the_command(warm: Navigator) -> None:
    """Ctrl-C ends a command that waits for Postgres as it would end it in its own process."""
    running = postmaster(warm.home / "postgres")
    assert running is not None
    process = server(warm.home / "warm.sock")
    running.suspend()
    try:
        for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
            asking = warm.start("status")
            until(process.children, "no child")
            asking.send_signal(number)
            assert ended(asking).code == code
            until(lambda: not process.children(), "the command goes on")
    finally:
        running.resume()


def test_it_ends_by_itself(warm: Navigator) -> None:
    """Without a home it ends; and after the time that the embedded Postgres goes on for."""
    process = server(warm.home / "warm.sock")
    (warm.home / "warm.sock").unlink()
    process.wait(60)
    assert warm("status", NAVIGATOR_DATABASE_IDLE_SECONDS="0.5").code == 0
    path = warm.home / "warm.sock"
    until(path.exists, "no warm process")
    until(lambda: not path.exists(), "it goes on")


def test_nobody_else_can_ask(warm: Navigator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket is its owner's, and who asks from another account is refused all the same."""
    assert (warm.home / "warm.sock").stat().st_mode & 0o077 == 0
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert _is_ours(one)
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        assert not _is_ours(one)


def test_an_edit_in_any_room_that_is_imported_is_seen() -> None:
    """The fingerprint covers every package of ours that the warm process has imported."""
    script = (
        "import sys\nfrom importlib import import_module\nfrom app.warm.server import _MODULES\n"
        "for module in _MODULES: import_module(module)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = set(told.stdout.split()) & set(ROOMS)
    assert len(imported) >= 5
    assert imported <= set(_PACKAGES)
