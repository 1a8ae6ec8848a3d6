"""Runs a Prefect server that only this process uses, and that ends with it."""

from __future__ import annotations

import atexit
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO

from app.prefect.resident_note import LOCK, end_resident
from app.prefect.starting import address, require_answering, start_process
from app.prefect.supervised_server import Server, SupervisedServer, end
from pipeline.loopback import free_port


class PrivateServer:
    """A server that starts, and that is supervised once it answers.

    Args:
        lock: held as long as the server runs: two servers on one SQLite file would fight.
    """

    def __init__(self, folder: Path, port: int, lock: IO[str]) -> None:
        self._folder, self._port, self._lock = folder, port, lock
        self._process = start_process(folder, port)
        self.url = f"{address(port)}/api"

    def until_ready(self) -> None:
        """Wait until it answers, and supervise it from then on.

        Raises:
            ServiceUnavailable: it did not start; the sentence names its log.
        """
        require_answering(self._process, self._folder, self._port)
        kept = SupervisedServer(self._process, self._again, self._lock)
        # Not at the end of a block: Prefect sends its last logs and events while Python shuts its
        # threads down, and waits forever for a server that has gone. `atexit` comes after that.
        atexit.register(kept.stop)

    def _again(self) -> Server:
        process = start_process(self._folder, self._port)
        require_answering(process, self._folder, self._port)
        return process

    def give_up(self) -> None:
        """End it before it has answered."""
        end(self._process)
        self._lock.close()


def begin_private(folder: Path, waiting: Callable[[], None]) -> PrivateServer:
    """Start a server of this process's own.

    Args:
        folder: with its history.
        waiting: called once when another run has its server open and has to end first.
    """
    end_resident(folder)
    lock = (folder / LOCK).open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / "server.log").unlink(missing_ok=True)
    return PrivateServer(folder, free_port(), lock)
