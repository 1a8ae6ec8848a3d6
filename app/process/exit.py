"""Exits a process whose Prefect threads would keep it alive.

Prefect sends its last logs and events while Python shuts its threads down, and asks a server that
has gone for minutes, for each of them.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable

EXIT_SECONDS = 20.0
"""What Prefect's threads get for their last logs and events."""

CLOSING_SECONDS = 20.0
"""What our own servers get for ending, after that."""


def leave_soon(code: object) -> None:
    """Have a process that has loaded Prefect end within a while, as it would have ended.

    Args:
        code: with which it ends: what `SystemExit` holds.
    """
    if "prefect" in sys.modules:
        _after(EXIT_SECONDS, lambda: _leave(code if isinstance(code, int) else int(bool(code))))


def _leave(code: int) -> None:
    _after(CLOSING_SECONDS, lambda: os._exit(code))
    sys.stdout.flush()
    sys.stderr.flush()
    # What Python would do next: end our Prefect server, and let go of Postgres.
    atexit._run_exitfuncs()
    os._exit(code)


def _after(seconds: float, what: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, what)
    timer.daemon = True
    timer.start()
