"""A clock by which a process notices that it was suspended."""

from __future__ import annotations

import time

# Of Linux: it goes on while the machine sleeps, too.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_seconds() -> float:
    """Seconds that only grow, also while this process is stopped or the machine suspended."""
    return time.clock_gettime(_CLOCK)
