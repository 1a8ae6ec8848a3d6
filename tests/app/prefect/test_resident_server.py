"""Commands share a Prefect server, which ends by itself; real locks, and once a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.prefect import resident_server
from app.prefect.own_server import begin_private
from app.prefect.resident_note import LOCK, NOTE, end_resident, is_resident, is_used, read_note
from app.prefect.resident_server import SharedServer, begin_resident
from app.process.locks import is_locked
from pipeline.errors import ServiceUnavailable
from pipeline.loopback import answers
from tests.app.navigating import ROOT
from tests.prefect_server import prepare_home

_STAND_IN = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from app.prefect.idle_end import end_when_unused

class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *given):
        pass

end_when_unused(Path(sys.argv[1]))
HTTPServer(("127.0.0.1", int(sys.argv[2])), Healthy).serve_forever()
"""
_COMMAND = """
import os, sys
from pathlib import Path
from app.prefect.server import provide_prefect
print(provide_prefect(Path(sys.argv[1]), idle_seconds=float(sys.argv[2])), flush=True)
sys.stdin.read()
os._exit(0)
"""


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def nobody_waits() -> None:
    raise AssertionError("waited for another command")


class Servers:
    """Stand-ins for Prefect in a folder: all of ours is real, and Prefect is not imported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        self.program = _STAND_IN
        self._joined: list[SharedServer] = []

    def start(
        self, folder: Path, port: int, *, keeps: tuple[int, ...] = ()
    ) -> subprocess.Popen[bytes]:
        self.started.append(
            subprocess.Popen(
                [sys.executable, "-c", self.program, str(folder), str(port)],
                cwd=ROOT, pass_fds=keeps, start_new_session=True,
            )
        )  # fmt: skip
        return self.started[-1]

    def join(
        self,
        version: str = "this",
        idle: float = 60,
        waiting: Callable[[], None] = nobody_waits,
    ) -> SharedServer:
        """As a command does."""
        joined = begin_resident(self.folder, version, idle, waiting)
        self._joined.append(joined)
        joined.until_ready()
        return joined

    def end(self) -> None:
        for each in self._joined:
            each.give_up()
        for process in self.started:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(process.pid, signal.SIGKILL)
                os.waitpid(process.pid, 0)
            process.returncode = 0

    def all_ended(self) -> bool:
        return all(not psutil.pid_exists(each.pid) or is_zombie(each.pid) for each in self.started)


def is_zombie(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    made = Servers(tmp_path)
    monkeypatch.setattr(resident_server, "start_process", made.start)
    monkeypatch.setattr(resident_server, "_LOOK_SECONDS", 0.05)
    yield made
    made.end()


def test_commands_share_one(servers: Servers) -> None:
    """The second command joins the first one's server; it goes on after both, and then ends."""
    one, other = servers.join(idle=0.5), servers.join(idle=0.5)
    assert one.url == other.url
    one.give_up()
    time.sleep(1)
    assert is_used(servers.folder)
    assert is_resident(servers.folder)
    other.give_up()
    third = servers.join(idle=0.5)
    assert len(servers.started) == 1
    third.give_up()
    until(servers.all_ended)
    assert not is_locked(servers.folder / LOCK)


def test_a_server_that_dies_is_started_again_once(servers: Servers) -> None:
    """At the same address, by one of the commands that use it."""
    one, other = servers.join(), servers.join()
    os.kill(servers.started[0].pid, signal.SIGKILL)
    until(lambda: len(servers.started) == 2)
    note = read_note(servers.folder)
    assert note is not None
    until(lambda: answers(note.port, "/api/health", 1))
    time.sleep(0.3)
    assert len(servers.started) == 2
    assert one.url == other.url


def test_one_of_other_code_is_replaced(servers: Servers) -> None:
    """At once when nobody uses it, and else after the commands that do."""
    servers.join("old").give_up()
    new = servers.join("new")
    until(lambda: is_zombie(servers.started[0].pid))
    waited: list[str] = []

    def waiting() -> None:
        waited.append("waited")
        new.give_up()

    servers.join("newer", waiting=waiting)
    assert waited == ["waited"]
    assert len(servers.started) == 3


def test_a_start_that_was_killed_is_taken_over(servers: Servers) -> None:
    """A note without a server says nothing; nor does half of one."""
    for left in ('{"port": 1, "version": "this", "idle_seconds": 9}', '{"port"'):
        (servers.folder / NOTE).write_text(left, "utf-8")
        servers.join(idle=0.1).give_up()
        until(servers.all_ended)
    assert len(servers.started) == 2


def test_a_server_that_does_not_start_is_told_and_leaves_nothing(servers: Servers) -> None:
    """The command says where the log is, and the next one tries again."""
    servers.program = "raise SystemExit(3)"
    with pytest.raises(ServiceUnavailable, match=r"server\.log"):
        servers.join()
    assert read_note(servers.folder) is None
    assert not is_locked(servers.folder / LOCK)
    servers.program = _STAND_IN
    servers.join()


def test_it_is_ended_at_once_and_never_under_a_command(servers: Servers) -> None:
    """`navigator down` ends it when nobody uses it; used, it ends with its last command."""
    used = servers.join()
    assert not end_resident(servers.folder)
    assert answers(int(used.url.rsplit(":", 1)[1].removesuffix("/api")), "/api/health", 1)
    used.give_up()
    until(servers.all_ended)
    servers.join().give_up()
    assert end_resident(servers.folder)
    until(servers.all_ended)


def test_a_home_that_is_removed_needs_no_server(servers: Servers) -> None:
    """It ends, and makes no file there again."""
    servers.join().give_up()
    for path in servers.folder.iterdir():
        path.unlink()
    until(servers.all_ended)
    assert not list(servers.folder.iterdir())


def test_who_wants_a_server_alone_ends_an_idle_one(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--no-daemon` nothing is waited for but a command that is at work."""
    monkeypatch.setattr("app.prefect.own_server.start_process", servers.start)
    servers.join().give_up()
    alone = begin_private(servers.folder, nobody_waits)
    assert is_zombie(servers.started[0].pid)
    alone.give_up()
    assert not is_locked(servers.folder / LOCK)


def test_a_real_one_outlives_a_killed_command(tmp_path: Path) -> None:
    """Prefect's server goes on after a kill, serves the next command, and is ended."""
    home = tmp_path / "home"
    prepare_home(home)
    first = command(home)
    assert first.stdout is not None
    url = first.stdout.readline().strip()
    first.kill()
    first.wait()
    second = command(home)
    assert second.stdout is not None
    assert second.stdout.readline().strip() == url
    assert url
    assert is_used(home / "prefect")
    assert second.stdin is not None
    second.stdin.close()
    second.wait(30)
    assert end_resident(home / "prefect")
    second.stdout.close()
    for stream in (first.stdin, first.stdout):
        assert stream is not None
        stream.close()


def command(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND, str(home), "120"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
