"""Reads how much processor and memory each service of `navigator up` takes, with its children."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.stack.status_file import running_stack
from pipeline.store.embedded_tools import postmaster_pid


@dataclass(frozen=True, slots=True)
class Usage:
    """What a service has taken so far, or takes.

    Attributes:
        processor: seconds, of all its processes and of those that have ended.
        memory: bytes that are its own, or its share of what is shared.
    """

    processor: float
    memory: int


def pids(home: Path) -> dict[str, int]:
    """The first process of each service that runs on this home folder."""
    stack = running_stack(home)
    found = {} if stack is None else {n: s.pid for n, s in stack.services.items() if s.pid}
    if (postmaster := postmaster_pid(home / "postgres")) is not None:
        found["postgres"] = postmaster
    if stack is not None:
        found["supervisor"] = stack.pid
    return found


def usages(services: Mapping[str, int]) -> dict[str, Usage]:
    """What each service has taken; one that has ended meanwhile is left out.

    The supervisor is the parent of the others and counts for itself alone.
    """
    found = {}
    for name, pid in services.items():
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            children = [] if name == "supervisor" else process.children(recursive=True)
            found[name] = _usage([process, *children], whole=name != "supervisor")
    return found


def _usage(processes: Iterable[psutil.Process], *, whole: bool) -> Usage:
    processor, memory = 0.0, 0
    for each in processes:
        with suppress(psutil.Error):
            times = each.cpu_times()
            processor += times.user + times.system
            if whole:  # what its ended children took
                processor += times.children_user + times.children_system
            memory += _memory(each)
    return Usage(processor, memory)


def _memory(process: psutil.Process) -> int:
    # Postgres's processes share their buffers, which the resident size counts for each of them.
    with suppress(psutil.AccessDenied, AttributeError):
        return int(process.memory_full_info().pss)
    return int(process.memory_info().rss)
