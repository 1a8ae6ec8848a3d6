"""Measures a worker's processor time and memory from its parent."""

from __future__ import annotations

import psutil


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
