"""The process's umask, given back to the program that we run in.

What is stored is kept private by the umask (see `pipeline.private_files`), which belongs to the
whole process; the program gets its own back when the last of our calls has ended.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.private_files import PRIVATE_UMASK

_lock = threading.Lock()
_calls = 0
_before = 0


@contextmanager
def private_umask() -> Iterator[None]:
    """Make files for their owner alone inside, in this and in other threads."""
    global _calls, _before
    with _lock:
        if not _calls:
            _before = os.umask(PRIVATE_UMASK)
        _calls += 1
    try:
        yield
    finally:
        with _lock:
            _calls -= 1
            if not _calls:
                os.umask(_before)
