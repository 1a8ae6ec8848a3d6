"""Gives a new Prefect server an empty database that is migrated already.

Prefect brings an empty SQLite file forward by some hundred migrations, one after the other: 6 s of
the processor. The schema that they end with is a script beside this module, as Prefect's pinned
version makes it; another version goes by its own migrations. `python -m
app.prefect.migrated_database DATABASE` writes the script anew, from a database that a server of
the version in use has migrated.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

NAME = "prefect.db"
SCRIPT = Path(__file__).with_name("migrated_database.sql")
_VERSION_LINE = "-- Prefect {}\n"
_REVISION = 'INSERT INTO "alembic_version"'


def put_database(folder: Path) -> None:
    """Give a server's folder a migrated database, unless it has one or this is another Prefect.

    Whole or not at all, and only by who holds the server's lock.
    """
    target = folder / NAME
    if target.exists():
        return
    draft = folder / f".{NAME}.draft"
    # What goes wrong here goes wrong for the server too, which says so in its log.
    with suppress(OSError, sqlite3.Error):
        script = SCRIPT.read_text("utf-8")
        if not script.startswith(_VERSION_LINE.format(version("prefect"))):
            return
        draft.unlink(missing_ok=True)
        try:
            _make(draft, script)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


def _make(path: Path, script: str) -> None:
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")  # it is lost as a whole or kept as a whole
        database.executescript(script)
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def script_of(database: Path) -> str:
    """What makes the schema of a migrated database, and says how far it was migrated."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
        return _VERSION_LINE.format(version("prefect")) + "\n".join(_statements(opened)) + "\n"


def _statements(database: sqlite3.Connection) -> Iterator[str]:
    for statement in database.iterdump():
        if not statement.startswith("INSERT INTO") or statement.startswith(_REVISION):
            yield statement


if __name__ == "__main__":
    SCRIPT.write_text(script_of(Path(sys.argv[1]).absolute()), "utf-8")
