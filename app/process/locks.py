"""Locks of the kernel on files: they go with the process that holds them, however that ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock alone."""
    try:
        with path.open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def is_shared(path: Path) -> bool:
    """Whether processes hold the lock together, and none alone."""
    try:
        with path.open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return not is_locked(path)
    except OSError:
        return False
    return False


def taken(path: Path) -> IO[str] | None:
    """The lock, held alone until the file is closed; None while somebody holds it."""
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
