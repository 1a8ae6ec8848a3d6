"""Notes who holds the embedded Postgres, in a file beside its data that processes read in turns."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from pipeline.workers import lives_here


@dataclass
class Notes:
    """What is noted of a Postgres.

    Attributes:
        holders: the processes that hold it, each by a name that no other process gets.
        settled: the process of the start that has its logins.
        making: its data are being made for the first time.
        keeper: the process that stops it once nobody has held it for a while.
    """

    holders: Sequence[str] = ()
    settled: int | None = None
    making: bool = False
    keeper: str | None = None


def notes_path(folder: Path) -> Path:
    """Where the notes of the Postgres in `folder` are."""
    return folder.with_name(f".{folder.name}.holders")


@contextmanager
def noted(folder: Path) -> Iterator[IO[str]]:
    """The notes beside the data, while nobody else starts or stops this Postgres."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with os.fdopen(os.open(notes_path(folder), flags, 0o600), "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def read_notes(file: IO[str]) -> Notes:
    """What is noted, without holders and a keeper that have ended."""
    try:
        notes = Notes(**json.loads(file.read() or "{}"))
    except (ValueError, TypeError):
        return Notes()
    notes.holders = [name for name in notes.holders if _lives(name)]
    notes.keeper = notes.keeper if _lives(notes.keeper) else None
    return notes


def _lives(name: object) -> bool:
    # An older version wrote the number alone, which may be another process's by now.
    return isinstance(name, str) and lives_here(name)


def write_notes(file: IO[str], notes: Notes) -> None:
    """Write them anew, at once: whoever is killed next has noted this."""
    file.seek(0)
    file.truncate()
    json.dump(asdict(notes), file)
    file.flush()
