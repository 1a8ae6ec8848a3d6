"""Enters the sandbox: what a worker gives up, in the order in which the kernel allows it."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.parsing.sandbox import landlock, readable_paths, system_calls, unprivileged_user
from pipeline.parsing.sandbox.bpf import packed
from pipeline.parsing.sandbox.resource_limits import limit_processes, set_limits
from pipeline.parsing.sandbox.seccomp_filters import parser_filter, program_filter
from pipeline.parsing.sandbox.syscall_numbers import architecture


class Wall(StrEnum):
    """One side of the sandbox, by what the kernel builds it of."""

    LIMITS = "limits"
    NO_NEW_PRIVILEGES = "no_new_privs"
    FILES = "landlock"
    CALLS = "seccomp"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a worker needs in its sandbox.

    Attributes:
        memory_bytes: that one document may use.
        processor_seconds: that the worker may use in its life.
        tessdata: the folder of tesseract's data, where it is named.
        scratch: a folder of this worker alone, in which programs that it starts may write; None
            for a parser, which starts and writes nothing.
    """

    memory_bytes: int
    processor_seconds: float
    tessdata: str | None = None
    scratch: Path | None = None


def enter(sandbox: Sandbox) -> list[Wall]:
    """Give up everything that parsing does not need, for good; call it with one thread only.

    What a kernel does not offer is left out: the answer names the walls that stand.

    Raises:
        RuntimeError: there are other threads, which Landlock would leave free.
    """
    if threading.active_count() > 1 and sys.platform == "linux":
        raise RuntimeError("A parser was started with threads, which would stay free.")
    os.chdir("/")
    os.umask(0o077)
    writes_files = sandbox.scratch is not None
    set_limits(sandbox.memory_bytes, sandbox.processor_seconds, writes_files=writes_files)
    walls = [Wall.LIMITS]
    if sys.platform == "linux":
        walls += _walls(sandbox)
    return walls


def _walls(sandbox: Sandbox) -> Iterator[Wall]:
    with suppress(OSError):
        system_calls.set_process(system_calls.NO_NEW_PRIVILEGES, 1)
        yield Wall.NO_NEW_PRIVILEGES
    libraries = readable_paths.of_libraries()
    closed = not all(map(readable_paths.by_anybody, libraries))
    files = _give_up_files(sandbox, libraries)
    if files:
        yield Wall.FILES
    reads_any_file = closed and files
    if files or not closed:
        user = unprivileged_user.take_own_user(sandbox.scratch, reads_any_file=reads_any_file)
        if user is not None:
            if unprivileged_user.is_own(user):
                limit_processes()
            yield Wall.USER
    unprivileged_user.give_up_capabilities(reads_any_file=reads_any_file)
    # a change of user undoes both: to die with the parent, and to hide from one's own user
    system_calls.set_process(system_calls.DEATH_SIGNAL, signal.SIGKILL)
    system_calls.set_process(system_calls.DUMPABLE, 0)
    if _give_up_calls(sandbox):
        yield Wall.CALLS


def _give_up_files(sandbox: Sandbox, libraries: list[Path]) -> bool:
    allowed = [(path, landlock.READ) for path in libraries]
    allowed += [(path, landlock.READ) for path in readable_paths.of_the_system(sandbox.tessdata)]
    if sandbox.scratch is not None:
        allowed += _for_programs()
    with suppress(OSError):
        return landlock.restrict(allowed, sandbox.scratch) > 0
    return False


def _for_programs() -> Iterator[tuple[Path, int]]:
    for path in (*readable_paths.of_programs(), *readable_paths.of_the_system(None)):
        yield path, landlock.RUN
    yield Path(os.devnull), landlock.READ_AND_WRITE
    # LibreOffice insists on a socket there; only a user of its own can remove nobody else's files
    removing = landlock.REMOVE_FILES if os.geteuid() == 0 else 0
    for folder in ("/tmp", "/var/tmp"):  # noqa: S108
        yield Path(folder), landlock.MAKE_SOCKETS | removing


def _give_up_calls(sandbox: Sandbox) -> bool:
    processor = architecture()
    if processor is None:
        return False
    parses = sandbox.scratch is None
    program = parser_filter(processor, os.getpid()) if parses else program_filter(processor)
    with suppress(OSError):
        system_calls.install_filter(platform.machine(), packed(program))
        return True
    return False
