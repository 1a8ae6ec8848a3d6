"""Supervises a Prefect server of our own: restarts one that dies in mid-run."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from typing import IO

from pipeline.errors import ServiceUnavailable
from pipeline.logs import logger

MOST_STARTS = 3
"""Starts after the first, in one command; what has died so often is not helped by another."""

_STOP_SECONDS = 10
_LOG = logger("navigator.process")

Server = subprocess.Popen[bytes]


class SupervisedServer:
    """A server's process, and a thread that restarts it at the same address when it has died.

    Args:
        process: the server as it was started first.
        start: starts it again; raises `ServiceUnavailable` when that does not work.
        lock: closed when the server has been stopped.
    """

    def __init__(self, process: Server, start: Callable[[], Server], lock: IO[str]) -> None:
        self._process = process
        self._start = start
        self._lock = lock
        self._stopping = threading.Event()
        self.restarts = 0
        # The kernel ends a server with the thread that has started it, and this one never ends.
        threading.Thread(target=self._keep, name="prefect-server", daemon=True).start()

    def _keep(self) -> None:
        while True:
            self._process.wait()
            if self._stopping.is_set() or self.restarts == MOST_STARTS:
                break
            self.restarts += 1
            _LOG.warning("prefect_server_ended", code=self._process.returncode)
            try:
                self._process = self._start()
            except ServiceUnavailable:
                break
        self._stopping.wait()

    def stop(self) -> None:
        """End the server, and let others have its files."""
        self._stopping.set()
        end(self._process)
        self._lock.close()


def end(process: Server) -> None:
    """Ask a process to end, and make it."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
