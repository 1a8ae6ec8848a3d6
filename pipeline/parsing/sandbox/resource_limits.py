"""Sets the kernel's resource limits (rlimits) on a worker."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

_GIB = 1024**3
_RESERVED = 8 * _GIB
"""Address space that libraries reserve without using it: allocators take 1 GiB each."""

_STATM, _ADDRESS_SPACE, _DATA = Path("/proc/self/statm"), 0, 5
_CONVERTED_BYTES = 2 * _GIB
_FILES = 64
_THREADS_A_PROCESSOR = 8


def set_limits(memory_bytes: int, processor_seconds: float, *, writes_files: bool) -> None:
    """Limit memory, time, open files and what may be written; no core, which would hold text.

    RLIMIT_AS alone would count what PDFium and thread arenas merely reserve, so RLIMIT_DATA is the
    limit of memory, and address space is limited far above it.

    Args:
        processor_seconds: for the worker's whole life.
        writes_files: whether a program converts in this process; else nothing can be written.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, int(processor_seconds) + 1)
    if sys.platform != "linux":
        return
    # psutil says the same, and takes as long to load as the rest of the sandbox
    used = [int(pages) * resource.getpagesize() for pages in _STATM.read_text().split()]
    _limit(resource.RLIMIT_DATA, used[_DATA] + 2 * memory_bytes)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")  # the kernel takes us, not the parent
    if writes_files:
        _limit(resource.RLIMIT_FSIZE, _CONVERTED_BYTES)
        return
    _limit(resource.RLIMIT_AS, used[_ADDRESS_SPACE] + 4 * memory_bytes + _RESERVED)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _FILES)
    _limit(resource.RLIMIT_MEMLOCK, 0)
    _limit(resource.RLIMIT_MSGQUEUE, 0)


def limit_processes() -> None:
    """Limit threads and processes of this process's user, who must be nobody else's."""
    processors = os.cpu_count() or 1
    _limit(resource.RLIMIT_NPROC, 64 + _THREADS_A_PROCESSOR * processors)


def _limit(kind: int, most: int) -> None:
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, most))
