"""Tells commands where the Prefect server is that they share, and ends it.

Three files in its folder. `lock` is held by the server alone, as long as it lives. `users` is held
by the commands that work with it, together; the server takes it alone for its end, so that nobody
joins a server that is ending. `resident.json` is the note: without it, or with another one there,
the server ends as soon as nobody uses it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from app.process.locks import is_locked, is_shared
from app.warm.protocol import program_fingerprint

LOCK, USERS, NOTE = "lock", "users", "resident.json"
END_SECONDS = 15.0
"""What a server that nobody uses gets for its end."""
_SETTINGS = "PREFECT_SERVER_"


@dataclass(frozen=True, slots=True)
class Note:
    """A server that commands share.

    Attributes:
        port: where it listens on this machine.
        version: of its code and settings, as `server_version` tells it.
        idle_seconds: so long it goes on without users.
    """

    port: int
    version: str
    idle_seconds: float

    def write(self, folder: Path) -> None:
        """Tell others; they read the old note or this one.

        Raises:
            OSError: it cannot be written.
        """
        draft = folder / f".{NOTE}.{os.getpid()}"
        try:
            draft.write_text(json.dumps(asdict(self)), "utf-8")
            draft.replace(folder / NOTE)
        finally:
            draft.unlink(missing_ok=True)


def read_note(folder: Path) -> Note | None:
    """The note, whether its server still runs or not."""
    try:
        return Note(**json.loads((folder / NOTE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def forget(folder: Path) -> None:
    """Take the note away: the server ends as soon as nobody uses it."""
    with suppress(OSError):
        (folder / NOTE).unlink()


def server_version(hosts: str) -> str:
    """Tells servers of other code or other settings apart: they are not shared.

    Args:
        hosts: for which the server answers besides its own (NAVIGATOR_PREFECT_HOSTS).
    """
    settings = sorted(each for each in os.environ.items() if each[0].startswith(_SETTINGS))
    told = json.dumps([program_fingerprint(), version("prefect"), hosts, settings])
    return hashlib.sha256(told.encode()).hexdigest()


def is_resident(folder: Path) -> bool:
    """Whether a server runs there that goes on for the next command."""
    return read_note(folder) is not None and is_locked(folder / LOCK)


def is_used(folder: Path) -> bool:
    """Whether a command works with the server of the folder."""
    return is_shared(folder / USERS)


def end_resident(folder: Path) -> bool:
    """End the server that commands share; whether none runs there now.

    One that a command uses goes on until that command ends, and one that is a command's own is
    left alone.
    """
    if read_note(folder) is None:
        return not is_locked(folder / LOCK)
    forget(folder)
    deadline = time.monotonic() + END_SECONDS
    while is_locked(folder / LOCK):
        if is_used(folder) or time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
