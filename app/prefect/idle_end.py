"""Ends a Prefect server that commands share once nobody has used it for a while.

The server looks itself, in a thread: there is no other process that could die and leave it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from app.prefect.resident_note import NOTE, USERS
from app.warm.protocol import program_fingerprint

_LONGEST_LOOK = 0.5
_CODE_SECONDS = 10.0
_STOP_SECONDS = 10.0


def end_when_unused(folder: Path) -> None:
    """Watch over the server in this process, whose files lie in `folder`."""
    watch = _Watch(folder)
    threading.Thread(target=watch.until_unused, name="idle", daemon=True).start()


class _Watch:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._note = _text(folder / NOTE)
        self._code = program_fingerprint()
        self._looked = time.monotonic()
        self._is_stale = False

    def until_unused(self) -> None:
        """End this process when it is time."""
        idle = _idle_seconds(self._note)
        used = time.monotonic()
        with (self._folder / USERS).open("a+") as users:
            while self._is_there(users):
                time.sleep(min(_LONGEST_LOOK, max(idle / 10, 0.05)))
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    used = time.monotonic()
                    continue
                if time.monotonic() - used >= idle or self._is_replaced():
                    break
                fcntl.flock(users, fcntl.LOCK_UN)
            # Held to the end: who comes now waits for it, and starts another server.
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(_STOP_SECONDS)
            os._exit(0)

    def _is_there(self, users: IO[str]) -> bool:
        """Whether the home is: one that was removed needs no server."""
        with suppress(OSError):
            return (self._folder / USERS).stat().st_ino == os.fstat(users.fileno()).st_ino
        return False

    def _is_replaced(self) -> bool:
        """Whether a command has taken the note away, or the program was changed."""
        if time.monotonic() - self._looked > _CODE_SECONDS:
            self._looked = time.monotonic()
            with suppress(OSError, ValueError):  # in the middle of an update
                self._is_stale = program_fingerprint() != self._code
        return self._is_stale or _text(self._folder / NOTE) != self._note


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return None


def _idle_seconds(note: str | None) -> float:
    import json

    try:
        return float(json.loads(note or "")["idle_seconds"])
    except (ValueError, KeyError, TypeError):
        return 0.0
