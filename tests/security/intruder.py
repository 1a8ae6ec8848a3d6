"""A parse function that a hostile file has taken over: it tries what the file says, one by one.

The file is JSON: a list of attempts, each a list of its name and arguments. The answer says of
each "done", or the error that it ended with.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from clients.parser_pool.frames import DOCUMENT, send
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_TWO_NUMBERS = {"x86_64": 0, "aarch64": 1, "arm64": 1}
_NUMBERS = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "unshare": (272, 97),
    "mount": (165, 40),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "io_uring_setup": (425, 425),
    "pidfd_open": (434, 434),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "clone3": (435, 435),
    "open_by_handle_at": (304, 265),
    "shmget": (29, 194),
    "setsid": (112, 157),
}


def intrude(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    """Make the attempts that the content lists, and tell how each ended."""
    said = json.dumps(outcomes(json.loads(content)))
    return ParsedDocument((ParsedPage(1, said),), False, "intruder-1", "none")


def outcomes(attempts: list[list[Any]]) -> list[str]:
    """How each attempt ended."""
    return [_outcome(name, arguments) for name, *arguments in attempts]


def _outcome(name: str, arguments: list[Any]) -> str:
    try:
        _ATTEMPTS[name](*arguments)
    except BaseException as error:
        return type(error).__name__
    return "done"


def _call(name: str, *arguments: int) -> int:
    number = _NUMBERS[name][_TWO_NUMBERS[os.uname().machine]]
    result: int = _LIBRARY.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def _read(path: str) -> None:
    assert Path(path).read_bytes()


def _list(path: str) -> None:
    assert list(Path(path).iterdir())


def _write(path: str) -> None:
    Path(path).write_bytes(b"written by the intruder")


def _append(path: str) -> None:
    with Path(path).open("ab") as file:
        file.write(b"!")


def _tcp(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=2).close()


def _udp(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"secret", ("127.0.0.1", port))


def _six(port: int) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as opened:
        opened.settimeout(2)
        opened.connect(("::1", port))


def _local(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.connect("\0" + path[1:] if path.startswith("@") else path)


def _local_datagram(path: str) -> None:
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        pair[0].sendto(b"secret", path)
    finally:
        pair[0].close()
        pair[1].close()


def _listen() -> None:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()


def _netlink() -> None:
    socket.socket(16, socket.SOCK_RAW, 0).close()


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _run() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def _replace_this_process() -> None:
    # in a child, where one may be had; the attempt itself is the exec
    os.execv("/bin/true", ["true"])


def _kill(pid: int) -> None:
    os.kill(pid, 0)


def _terminate(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def _trace(pid: int) -> None:
    _call("ptrace", 0x4206, pid, 0, 0)  # PTRACE_SEIZE: does not stop it


def _peek(pid: int) -> None:
    local = (ctypes.c_size_t * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8)
    there = (ctypes.c_size_t * 2)(1, 8)
    try:
        _call("process_vm_readv", pid, ctypes.addressof(local), 1, ctypes.addressof(there), 1, 0)
    except OSError as error:
        # "bad address" comes only after the right to look was given
        if error.errno != 14:
            raise


def _limit_another(pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_NOFILE)


def _raise_own_limit() -> None:
    soft, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, most))


def _open_many(path: str) -> None:
    with ExitStack() as opened:
        for _ in range(1000):
            opened.enter_context(Path(path).open("rb"))


def _change_mode(path: str) -> None:
    Path(path).chmod(0o777)


def _owned_signals(pid: int) -> None:
    import fcntl

    ends = os.pipe()
    try:
        fcntl.fcntl(ends[0], 8, pid)  # F_SETOWN: who is signaled when there is something to read
    finally:
        os.close(ends[0])
        os.close(ends[1])


def _outlive() -> None:
    if _LIBRARY.prctl(1, 0, 0, 0, 0):  # PR_SET_PDEATHSIG
        raise OSError(ctypes.get_errno(), "prctl")


def _shared_memory() -> None:
    hoard = mmap.mmap(-1, 12 * 1024**3)
    hoard.close()


_ATTEMPTS: dict[str, Callable[..., object]] = {
    "read": _read,
    "list": _list,
    "write": _write,
    "append": _append,
    "remove": lambda path: Path(path).unlink(),
    "link": lambda path, to: os.link(path, to),
    "change mode": _change_mode,
    "tcp": _tcp,
    "udp": _udp,
    "tcp over IPv6": _six,
    "unix": _local,
    "unix datagram": _local_datagram,
    "listen": _listen,
    "netlink": _netlink,
    "fork": _fork,
    "run": _run,
    "exec": _replace_this_process,
    "kill": _kill,
    "terminate": _terminate,
    "trace": _trace,
    "peek": _peek,
    "limit another": _limit_another,
    "raise own limit": _raise_own_limit,
    "open many": _open_many,
    "owned signals": _owned_signals,
    "outlive": _outlive,
    "shared memory": _shared_memory,
    "become root": lambda: os.setuid(0),
    "new session": lambda: _call("setsid"),
    "new namespaces": lambda: _call("unshare", 0x40000000 | 0x10000000),
    "kernel keys": lambda: _call("keyctl", 0, -3, 0),
    "io_uring": lambda: _call("io_uring_setup", 1, 0),
    "pidfd": lambda pid: os.close(_call("pidfd_open", pid, 0)),
    "userfaultfd": lambda: os.close(_call("userfaultfd", 1)),
    "memfd": lambda: os.close(os.memfd_create("intruder")),
    "shared segment": lambda: _call("shmget", 0, 4096, 0o1600),
}


def answer_twice(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    """Give an answer that nobody asked for, which the next file could take, and the right one."""
    text = f"of the {content.decode()}"
    wrong = ParsedDocument((ParsedPage(1, "of the file before"),), False, "intruder-1", "none")
    with _pipe() as frames:
        send(frames, DOCUMENT, wrong.to_json())
    return ParsedDocument((ParsedPage(1, text),), False, "intruder-1", "none")


def answer_as_told(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    """Write an answer of another kind into the pipe, as the answer to this very request."""
    number = sys._getframe(2).f_locals["request"]["number"]
    with _pipe() as frames:
        send(frames, content[:1], content[1:], number)
    raise SystemExit


def _pipe() -> IO[bytes]:
    """The pipe to the parent, which is one of the first files that are open."""
    for descriptor in range(3, 16):
        with suppress(OSError):
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                return os.fdopen(os.dup(descriptor), "wb")
    raise AssertionError("there is no pipe")
