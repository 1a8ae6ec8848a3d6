"""Tells a slow service from a dead one: whether it still makes progress without answering.

On a machine with far more to do than it can, every answer comes late. A process that computes, or
that waits for a processor or a disk, is slow; one that does nothing is stopped, locked or dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

import psutil

SILENT_LOOKS = 3
"""Looks in a row without an answer or any progress after which a service is started again."""
SLOW_SECONDS = 300.0
"""So long a service may be at work without one answer."""

_AT_WORK = frozenset({psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP})


class Progress:
    """The progress of some processes and their children, by processor time."""

    def __init__(self) -> None:
        self._computed: dict[int, float] = {}

    def made(self, roots: Iterable[int]) -> bool:
        """Whether there was any since the last look, or one of them is at it this moment."""
        before, self._computed = self._computed, {}
        made = False
        for process in _all(roots):
            with suppress(psutil.Error):
                times = process.cpu_times()
                self._computed[process.pid] = seconds = times.user + times.system
                made |= seconds > before.get(process.pid, seconds)
                made |= process.status() in _AT_WORK
        return made


def _all(roots: Iterable[int]) -> Iterator[psutil.Process]:
    for pid in roots:
        with suppress(psutil.Error):
            root = psutil.Process(pid)
            yield root
            yield from root.children(recursive=True)


class Patience:
    """How long a service that does not answer is left alone.

    Args:
        at_work: its processes.
        ready_seconds: how long it may take to become healthy.

    Attributes:
        note: how it does, in words.
    """

    def __init__(self, at_work: Callable[[], Sequence[int]], ready_seconds: float) -> None:
        self._at_work = at_work
        self._ready_seconds = ready_seconds
        self._progress = Progress()
        self.note = ""
        self.answered()

    def answered(self) -> None:
        """Begin anew."""
        self._since = time.monotonic()
        self._idle = 0

    def ends(self, *, starting: bool = False) -> str:
        """Why it ends, after one more look without an answer; empty while it lasts."""
        made = self._progress.made(self._at_work())
        self._idle = 0 if made else self._idle + 1
        self.note = "is slow to answer" if made else "does not answer"
        silent, idle = time.monotonic() - self._since, self._idle >= SILENT_LOOKS
        if starting:
            over = silent > self._ready_seconds + (0 if idle else SLOW_SECONDS)
            return f"did not become healthy in {silent:.0f} s" if over else ""
        if idle:
            return "does not answer any more"
        return f"has not answered for {silent:.0f} s" if silent > SLOW_SECONDS else ""
