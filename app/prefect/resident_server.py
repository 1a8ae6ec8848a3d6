"""Shares one Prefect server of a home among its commands, and leaves it for the next one.

A server's start takes three seconds, most of them imports. The server ends by itself
(`app/prefect/idle_end.py`); why nothing is left over or lost between: docs/decisions/0096.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from app.prefect.resident_note import LOCK, USERS, Note, end_resident, forget, read_note
from app.prefect.starting import address, is_answering, not_started, start_process
from app.prefect.supervised_server import MOST_STARTS, Server, end
from app.process.locks import is_locked, taken
from pipeline.errors import NavigatorError
from pipeline.logs import logger
from pipeline.loopback import free_port

_LOOK_SECONDS = 0.5
_WAIT_SECONDS = 0.1
_LOG = logger("navigator.process")


class SharedServer:
    """A server that this process uses, and starts again when it has died.

    Args:
        users: held as long as this process uses it.
        process: the server, when this process has just started it.
    """

    def __init__(self, folder: Path, note: Note, users: IO[str], process: Server | None) -> None:
        self._folder, self._note, self._users, self._process = folder, note, users, process
        self._restarts = 0
        self._given_up = threading.Event()
        self.url = f"{address(note.port)}/api"

    def until_ready(self) -> None:
        """Wait until it answers, and look after it from then on.

        Raises:
            ServiceUnavailable: it did not start; the sentence names its log.
        """
        while not is_answering(self._note.port, self._lives):
            if self._process is not None:
                self._fail(self._process)
            if self._lives():
                raise not_started(self._folder)
            self._restart_if_dead()  # whoever was starting it has given up
        if self._process is not None:
            self._process.returncode = 0  # it is not waited for
        threading.Thread(target=self._keep, name="prefect-server", daemon=True).start()

    def give_up(self) -> None:
        """Use it no longer; it ends by itself."""
        self._given_up.set()
        self._users.close()

    def _lives(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        return is_locked(self._folder / LOCK)

    def _fail(self, process: Server) -> None:
        forget(self._folder)
        end(process)
        raise not_started(self._folder)

    def _keep(self) -> None:
        while self._restarts < MOST_STARTS and not self._given_up.wait(_LOOK_SECONDS):
            with suppress(OSError):  # the home has been removed
                try:
                    self._restart_if_dead()
                except NavigatorError:
                    break

    def _restart_if_dead(self) -> None:
        """Start it again at the same address, if nobody else who uses it does.

        Raises:
            ServiceUnavailable: it does not start.
        """
        if (lock := taken(self._folder / LOCK)) is None:
            return
        self._restarts += 1
        _LOG.warning("prefect_server_ended")
        process = self._process = _start(self._folder, self._note, lock)
        if not is_answering(self._note.port, lambda: process.poll() is None):
            self._fail(process)


def begin_resident(
    folder: Path, version: str, idle_seconds: float, waiting: Callable[[], None]
) -> SharedServer:
    """Join the server of the folder, or start one that stays for the next command.

    Args:
        version: as `server_version` tells it; a server of another one is replaced once nobody
            uses it.
        idle_seconds: so long a new one goes on without users.
        waiting: called once when a server that cannot be shared has to end first.
    """
    users = (folder / USERS).open("a+")
    told = False
    while True:
        note = read_note(folder)
        if note is not None and note.version == version and is_locked(folder / LOCK):
            fcntl.flock(users, fcntl.LOCK_SH)  # waits for the end of one that is ending
            if read_note(folder) == note and is_locked(folder / LOCK):
                return SharedServer(folder, note, users, None)
            fcntl.flock(users, fcntl.LOCK_UN)
        elif (lock := taken(folder / LOCK)) is not None:
            fcntl.flock(users, fcntl.LOCK_SH)
            (folder / "server.log").unlink(missing_ok=True)
            note = Note(free_port(), version, idle_seconds)
            return SharedServer(folder, note, users, _start(folder, note, lock))
        elif not end_resident(folder) and not told:
            waiting()
            told = True
        time.sleep(_WAIT_SECONDS)


def _start(folder: Path, note: Note, lock: IO[str]) -> Server:
    """Start the server, which holds the lock from then on."""
    with lock:
        forget(folder)
        with suppress(OSError):  # a full disk: nobody joins, and it ends with this command
            note.write(folder)
        return start_process(folder, note.port, keeps=[lock.fileno()])
