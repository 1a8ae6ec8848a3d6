"""Recognizes a full disk by its error: one sentence with the folder and what to do."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import StorageUnavailable

DISK_FULL = "disk_full"
"""Code of every error that says so."""

REMEDY = (
    "Free some room there, then run it again: nothing is lost, and it goes on where it stopped."
)

TOLD_REQUESTERS = "The server has no room left."
REQUESTERS_REMEDY = "Try again later; an operator has to free some room."
"""For who uses the API, and is not to know the server's folders."""

_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT})
# As libraries say it that hand on no number.
_WORDS = (
    "No space left on device", "Disk quota exceeded", "database or disk is full", "os error 28",
)  # fmt: skip
_LEAST_FREE = 1024 * 1024


def says_full(error: BaseException) -> bool:
    """Whether an error, or what it comes from, says that a disk or a quota is full."""
    return any(_is_full(each) for each in _causes(error))


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _NUMBERS:
        return True
    return isinstance(error, OSError | sqlite3.Error) and tells_full(str(error))


def tells_full(said: str) -> bool:
    """Whether a program's words say so."""
    return any(words in said for words in _WORDS)


def has_no_room(folder: Path) -> bool:
    """Whether the disk of a folder, or of the nearest one above it that exists, is full."""
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        room = shutil.disk_usage(there)  # of none at all where the system shows itself
        return room.total > 0 and room.free < _LEAST_FREE
    except (OSError, StopIteration):
        return False


def lacking_folder(home: Path) -> str:
    """Where there is no room, of the places that a process writes to by itself."""
    temporary = Path(tempfile.gettempdir())
    for folder in (home, temporary):
        if has_no_room(folder):
            return str(folder)
    return f"{home} or {temporary}"


def full_disk(folder: Path | str) -> StorageUnavailable:
    """The error for a folder whose disk is full."""
    return StorageUnavailable(f"The disk of {folder} is full.", code=DISK_FULL, remedy=REMEDY)


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
