"""A wall clock that is wrong, in this process or in one of its own.

The clock itself is not set: Postgres, Prefect's server and every other process keep the right time,
as on another machine. Monotonic clocks go on as they are, which is what they promise.
"""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

DAY = 86_400.0

_now, _time, _time_ns = datetime.now, time.time, time.time_ns


def right_time() -> datetime:
    """The time by the clock of everybody else."""
    return _now(UTC)


def move(seconds: float) -> None:
    """Let whoever in this process asks for the time hear another one, also what is imported."""
    away = timedelta(seconds=seconds)

    def now(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
        return _now(tz) + away

    _set(datetime, "now", classmethod(now))
    time.time = lambda: _time() + seconds
    time.time_ns = lambda: _time_ns() + int(seconds * 10**9)


@contextmanager
def moved(seconds: float) -> Iterator[None]:
    """The process's clock is wrong until the end of the block."""
    before = datetime.__dict__["now"]
    move(seconds)
    try:
        yield
    finally:
        _set(datetime, "now", before)
        time.time, time.time_ns = _time, _time_ns


def _set(kind: type, name: str, function: Any) -> None:
    """Replace a function of a class that is written in C, in the very class all use."""
    attributes: dict[str, Any] = gc.get_referents(kind.__dict__)[0]
    attributes[name] = function
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
