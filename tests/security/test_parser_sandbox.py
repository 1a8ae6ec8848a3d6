"""A parser that a hostile file has taken over reaches nothing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.doctor.diagnosis import Verdict
from app.doctor.parser_sandbox import finding
from clients.parser_pool.requests import PARSE
from clients.parser_pool.worker import Worker
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import MIB, ParseOptions
from pipeline.parsing.sandbox import landlock
from pipeline.parsing.sandbox.entry import Wall
from tests.security.intruder import answer_as_told, answer_twice, intrude

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such cells")

ROOT = Path(__file__).parents[2]
LIMITS = ParseOptions(timeout_seconds=30, memory_bytes=300 * MIB, max_pages=1)
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
    # everybody may pass through: what holds must be the sandbox, not a folder above
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
def worker() -> Iterator[Worker]:
    made = Worker({PARSE: intrude}, LIMITS)
    yield made
    made.kill()


def tried(worker: Worker, attempts: list[list[Any]]) -> list[str]:
    """How the attempts ended, made by a parser in its sandbox."""
    document = worker.parse(json.dumps(attempts).encode(), MediaType.PDF, lambda: False)
    answer: list[str] = json.loads(document.text)
    return answer


def require_kernel(*walls: str) -> None:
    """Skip a test of what this kernel does not offer; asked of the kernel, not of the sandbox."""
    offers = {
        "landlock": landlock.version() > 0,
        "seccomp": "Seccomp_filters:" in Path("/proc/self/status").read_text(),
        "user": os.geteuid() == 0,
    }
    if missing := [wall for wall in walls if not offers[wall]]:
        pytest.skip(f"there is no {' and no '.join(missing)} here; the other walls are tested")


def test_an_intruder_reaches_nothing(world: World, worker: Worker) -> None:
    """No file, no network, no other process, no new one and no limit is within reach."""
    attempts = world.attempts()
    ended = dict(zip(attempts, tried(worker, list(attempts.values())), strict=True))
    require_kernel("landlock", "seccomp")
    assert [name for name, end in ended.items() if end == DONE] == []
    assert arrived(world) == []
    assert (world.folder / "open_to_all").read_text() == "as it was"
    assert {each.name for each in world.folder.iterdir()} == {
        "home", "open_to_all", "socket", "datagram",
    }  # fmt: skip


def test_the_attempts_are_real(world: World) -> None:
    """The same attempts succeed outside of it, so their failure in a sandbox says something."""
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


_ALONE = """
    import json, os, sys
    from pathlib import Path
    from pipeline.parsing.sandbox import entry, landlock, readable_paths, system_calls
    from pipeline.parsing.sandbox import unprivileged_user
    from tests.security.intruder import outcomes

    asked = json.load(sys.stdin)

    def refuse(*arguments, **named):
        raise OSError(38, "not in this kernel")

    def nothing(*arguments, **named):
        return None

    if "landlock" not in asked["walls"]:
        landlock.restrict = refuse
    if "seccomp" not in asked["walls"]:
        system_calls.install_filter = refuse
    if "user" not in asked["walls"]:
        unprivileged_user.take_own_user = unprivileged_user.give_up_capabilities = nothing
    entry.set_limits = nothing
    # what this interpreter loads later may lie where only root reads
    readable_paths.by_anybody = lambda path: True
    walls = entry.enter(entry.Sandbox(2**30, 60))
    print(json.dumps([walls, outcomes(asked["attempts"])]))
"""


def with_walls(world: World, walls: list[str]) -> dict[str, str]:
    """How the attempts end in a sandbox of which only some walls stand."""
    require_kernel(*walls)
    attempts = world.attempts()
    asked = json.dumps({"walls": walls, "attempts": list(attempts.values())})
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_ALONE)], input=asked, cwd=ROOT, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    stand, ended = json.loads(done.stdout)
    assert set(walls) <= set(stand)
    arrived(world)
    return dict(zip(attempts, ended, strict=True))


def test_the_filter_alone_keeps_the_network_and_processes(world: World) -> None:
    """Without Landlock and as the same user nothing is connected to, started, signaled, written."""
    ended = with_walls(world, ["seccomp"])
    reached = {name.split()[0] for name, end in ended.items() if end == DONE}
    assert reached <= {"read", "list", "open", "shared"}


def test_landlock_alone_keeps_files(world: World) -> None:
    """Without the filter and as the same user no file is read, listed, written or removed."""
    ended = with_walls(world, ["landlock"])
    reached = [name for name, end in ended.items() if end == DONE]
    files = ("read", "list", "write", "append", "remove", "link")
    assert [name for name in reached if name.startswith(files)] == []
    # nor what Landlock knows of other processes and of the network
    others = ("tcp", "trace", "peek", "unix @")
    version = landlock.version()
    known = others if version >= 6 else others[:-1] if version >= 4 else ("trace", "peek")
    assert [name for name in reached if name.startswith(known)] == []


def test_a_user_of_its_own_keeps_what_is_closed(world: World) -> None:
    """Without Landlock and the filter the secret, the objects and the parent stay closed."""
    ended = with_walls(world, ["user"])
    parent = str(os.getpid())
    closed = [name for name in ended if str(world.secret) in name or parent in name.split()[1:]]
    closed += [name for name in ended if f"/proc/{parent}/" in name or "objects" in name]
    assert closed
    allowed = {f"owned signals {parent}", f"pidfd {parent}"}
    assert [name for name in closed if ended[name] == DONE and name not in allowed] == []


def test_every_worker_is_another_user(worker: Worker) -> None:
    """Two workers are two users without groups, neither of them root."""
    require_kernel("user")
    other = Worker({PARSE: intrude}, LIMITS)
    try:
        tried(worker, []), tried(other, [])
        users = {_status(each, "Uid") for each in (worker, other)}
        assert len(users) == 2
        assert not users & {_status(worker, "Groups"), "0"}
    finally:
        other.kill()


def _status(worker: Worker, name: str) -> str:
    lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
    found = next(line for line in lines if line.startswith(f"{name}:"))
    return next(iter(found.split()[1:]), "")


def test_a_worker_tells_its_walls(worker: Worker) -> None:
    """What a worker says of its sandbox is what this kernel offers, for `doctor` tells it on."""
    tried(worker, [])
    status = Path(f"/proc/{worker.pid}/status").read_text()
    assert (Wall.CALLS in worker.walls) is ("Seccomp:\t2" in status)
    assert (Wall.NO_NEW_PRIVILEGES in worker.walls) is ("NoNewPrivs:\t1" in status)
    assert (Wall.FILES in worker.walls) is (landlock.version() > 0)
    verdict = finding(worker.walls)
    assert (verdict.verdict is Verdict.OK) is ({Wall.FILES, Wall.CALLS} <= set(worker.walls))


def test_doctor_says_what_is_open() -> None:
    """Where a wall is missing, doctor says what a hostile file could reach, and what to do."""
    told = finding([Wall.LIMITS, Wall.NO_NEW_PRIVILEGES])
    assert told.verdict is Verdict.NOTE
    assert "files that this user may read and the network" in told.detail
    assert "Landlock" in told.remedy
    assert "everybody may read" in finding([Wall.LIMITS, Wall.CALLS, Wall.USER]).detail
    assert finding([Wall.LIMITS, Wall.FILES, Wall.CALLS]).verdict is Verdict.OK


def test_limits_of_the_kernel_are_set(worker: Worker) -> None:
    """The kernel limits processor time, memory, files and what may be written."""
    tried(worker, [])
    told = Path(f"/proc/{worker.pid}/limits").read_text().splitlines()
    soft = {line[:26].strip(): line[26:].split()[0] for line in told[1:]}
    assert soft["Max file size"] == soft["Max core file size"] == "0"
    assert soft["Max open files"] == "64"
    assert "unlimited" not in (soft["Max data size"], soft["Max address space"])
    # twice what a document of one page may take, and a worker that has used half is replaced
    assert int(soft["Max cpu time"]) == 2 * 30 + 1


def test_what_is_said_unasked_is_no_answer() -> None:
    """A file that leaves an answer in the pipe does not answer for the next file."""
    worker = Worker({PARSE: answer_twice}, LIMITS)
    try:
        first = worker.parse(b"first", MediaType.PDF, lambda: False)
        second = worker.parse(b"second", MediaType.PDF, lambda: False)
        assert (first.text, second.text) == ("of the first", "of the second")
    finally:
        worker.kill()


@pytest.mark.parametrize("kind", [b"D", b"E", b"B", b"X"])
def test_an_answer_that_is_none_is_a_crash(kind: bytes) -> None:
    """What a file writes into the pipe in the place of an answer ends in a reason."""
    worker = Worker({PARSE: answer_as_told}, LIMITS)
    try:
        with pytest.raises(ParseError) as caught:
            worker.parse(kind + b'{"pages": 7}', MediaType.PDF, lambda: False)
        assert caught.value.parse_code is ParseCode.CRASHED
    finally:
        worker.kill()


_VICTIM = """
    import ctypes, os, sys
    from pipeline.process_privacy import hide_this_process
    os.setresuid(54321, 54321, 54321)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    if sys.argv[1] == "hidden":
        hide_this_process()
    print("ready", flush=True)
    sys.stdin.read()
"""
_LOOK = """
    import os, sys
    os.setresuid(54321, 54321, 54321)
    open(f"/proc/{sys.argv[1]}/environ").read()
"""


@pytest.mark.parametrize(("how", "seen"), [("hidden", False), ("open", True)])
def test_a_process_can_be_hidden_from_its_user(how: str, seen: bool) -> None:
    """The environment of whoever starts parsers is closed to processes of the same user."""
    if os.geteuid() != 0:
        pytest.skip("the test takes on another user")
    victim = [sys.executable, "-c", textwrap.dedent(_VICTIM), how]
    with subprocess.Popen(
        victim, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        look = [sys.executable, "-c", textwrap.dedent(_LOOK), str(process.pid)]
        assert (subprocess.run(look, capture_output=True).returncode == 0) is seen


def test_whoever_starts_a_parser_hides(worker: Worker) -> None:
    """A process that has started a parser's worker is closed to others of its user."""
    script = """
        import ctypes
        from pipeline.parsing.local import parse_bytes
        from pipeline.parsing.options import ParseOptions
        from clients.parser_pool.worker import Worker
        from pipeline.parsing.media import MediaType
        worker = Worker({"parse": parse_bytes}, ParseOptions())
        worker.parse(b"<p>x</p>", MediaType.HTML, lambda: False)
        worker.kill()
        print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    assert subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout == "0\n"
