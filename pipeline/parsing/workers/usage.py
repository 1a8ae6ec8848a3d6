"""What a worker uses, as its parent sees it, and the kernel's limit on its processor time."""

from __future__ import annotations

import sys
from contextlib import suppress

import psutil

_GRACE_SECONDS = 5


def processor_seconds(pid: int | None) -> float:
    """What a process has used since it began, with the programs that it has started."""
    try:
        used = psutil.Process(pid).cpu_times() if pid else ()
    except psutil.Error:
        return 0.0
    return float(sum(used[:4]))


def resident_bytes(pid: int | None) -> int:
    """The memory that a process holds now; 0 when it does not run."""
    try:
        return int(psutil.Process(pid).memory_info().rss) if pid else 0
    except psutil.Error:
        return 0


def limit_processor(pid: int, seconds: float) -> None:
    """Let the kernel end a process, should its parent be stopped while it works.

    Args:
        seconds: of processor time since the process began.
    """
    if sys.platform != "linux":
        return
    import resource

    with suppress(OSError, ValueError):
        _, most = resource.prlimit(pid, resource.RLIMIT_CPU)
        limit = (int(seconds) + _GRACE_SECONDS, most)
        resource.prlimit(pid, resource.RLIMIT_CPU, limit)
