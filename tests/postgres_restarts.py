"""A Postgres that is killed and started again, as `pg_ctl -m immediate restart` does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.store.embedded_identity import identity

_SECONDS = 60
_LOOK_SECONDS = 0.1
_LOG = "--log=log"


def crash(folder: Path) -> None:
    """End an embedded Postgres at once, as a crash does; it recovers at its next start."""
    identity().run("pg_ctl", ["stop", "--mode=immediate"], folder.resolve(), _SECONDS)


def start(folder: Path) -> None:
    """Start it again, with the options that it had."""
    identity().run("pg_ctl", ["restart", "--wait", _LOG], folder.resolve(), _SECONDS)


def restart(folder: Path) -> None:
    """Crash it and start it again."""
    arguments = ["restart", "--mode=immediate", "--wait", _LOG]
    identity().run("pg_ctl", arguments, folder.resolve(), _SECONDS)


class Restarts:
    """Restarts a Postgres again and again beside the block, beginning with one that is down.

    Args:
        due: whether it is time for the next start; asked with how many there were.
    """

    def __init__(self, folder: Path, due: Callable[[int], bool]) -> None:
        self._folder = folder
        self._due = due
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._go_on)
        self.count = 0

    def __enter__(self) -> Self:
        crash(self._folder)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._end.wait(_LOOK_SECONDS):
            if self._due(self.count):
                (restart if self.count else start)(self._folder)
                self.count += 1
        if not self.count:
            start(self._folder)
