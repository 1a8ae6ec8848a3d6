"""Restores an empty home from a backup, which is untrusted input (`navigator restore`).

The archive is compared with its manifest before the home is touched. The schema is made by our own
migrations; rows and objects are taken as data, and all of them are there at the end, or nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.stack.archive import OBJECTS
from app.stack.archive_members import Member
from app.stack.archive_reader import ArchiveReader, InvalidArchive, reading
from app.stack.backup import Saved, require_local, told
from app.stack.status_file import running_stack
from pipeline.errors import StorageUnavailable, UsageError
from pipeline.private_files import open_home
from pipeline.settings import Settings
from pipeline.store import loading
from pipeline.store.embedded import open_embedded, owner_of_embedded, stop_embedded
from pipeline.store.embedding_spaces import build_indexes
from pipeline.store.engine import Database
from pipeline.store.migrating import head_revision, known_revisions
from stages.word_indexing import index_everybody

UNFINISHED = ".restoring"
"""While this folder is in a home, what else is there is half of something."""
_ROOM_FOR_ROWS = 3
"""Rows lie in a temporary table, in their own and in Postgres's log at once."""


def restore(settings: Settings, path: Path) -> Saved:
    """Fill an empty home from a backup.

    Raises:
        UsageError: the home is not empty, or the file is no whole backup; nothing is changed.
        StorageUnavailable: there is no room for it.
    """
    require_local(settings)
    home = settings.home.absolute()
    _require_empty(home)
    open_home(home)
    with reading(path, settings.restore_max_bytes) as archive:
        _require_known(archive.manifest.revision)
        _require_room(home, archive)
        archive.compare()
        with _emptied_on_failure(home):
            documents, missing = fill(owner_of_embedded(home / "postgres"), archive, home / OBJECTS)
    asyncio.run(_build_indexes(home, settings))
    return told(path, archive.manifest, documents=documents, missing=missing)


def fill(url: str, archive: ArchiveReader, folder: Path) -> tuple[int, int]:
    """Load rows into a database that holds nothing yet, and write objects to a new folder.

    Returns:
        The number of documents, and how many objects rows name that are not there: deleted while
        they were being saved.

    Raises:
        UsageError: rows or objects are not fit; no row is in the database.
    """
    told = archive.manifest
    tables = told.tables
    with loading.loading(url, told.revision, told.contractions) as loader:
        loader.require({name: held.columns for name, held in tables.items()})
        for name in loader.columns:  # in the order in which rows may refer to each other
            loader.fill(name, tables[name].columns, _rows(archive, name))
            if loader.rows[name] != tables[name].rows:
                raise InvalidArchive(
                    f"The backup's table {name} has not the rows that it tells of."
                )
        loader.finish()
        return loader.documents(), _unpack(archive, folder, loader.objects())


def _rows(archive: ArchiveReader, name: str) -> Iterator[bytes]:
    for member in archive.members():
        if member.table == name:
            yield from archive.content(member)


def _unpack(archive: ArchiveReader, folder: Path, named: Iterator[str]) -> int:
    """Write the objects that rows name; both come by the order of the keys' bytes."""
    missing = 0
    for member in archive.members():
        if (key := member.key) is None:
            continue
        while (expected := next(named, None)) is not None and expected.encode() < key.encode():
            missing += 1
        if expected != key:
            raise InvalidArchive("The backup holds a file that none of its rows names.")
        _write(archive, member, folder / key)
    return missing + sum(1 for _ in named)


def _write(archive: ArchiveReader, member: Member, path: Path) -> None:
    missing = [] if path.parent.exists() else [each for each in path.parents if not each.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700)
    private = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with os.fdopen(private, "wb") as out:
        for piece in archive.content(member):
            out.write(piece)


@contextmanager
def _emptied_on_failure(home: Path) -> Iterator[None]:
    """Unless all goes well, the home is as empty as before; cut off, it keeps a mark."""
    mark = home / UNFINISHED
    try:
        mark.mkdir(mode=0o700)
    except FileExistsError:  # made by another restore, in this very moment
        _require_empty(home)
    try:
        yield
    except BaseException as error:
        stop_embedded(home / "postgres")
        _empty(home)
        if isinstance(error, OSError):
            raise StorageUnavailable(
                f"{home} cannot be filled ({error.strerror}); it was left empty.",
                remedy="Free some space there, or check its permissions.",
            ) from error
        raise
    mark.rmdir()


def _empty(home: Path) -> None:
    """Remove what a restore makes, with what the embedded Postgres keeps beside its data."""
    for path in home.iterdir():
        if path.name in (OBJECTS, UNFINISHED) or path.name.lstrip(".").startswith("postgres"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _require_known(revision: str) -> None:
    if revision in known_revisions():
        return
    raise UsageError(
        f"The backup has the schema {revision!r}, which this program does not know; "
        f"its newest is {head_revision()}.",
        remedy="Restore it with the version that wrote it, or a later one.",
    )


def _require_room(home: Path, archive: ArchiveReader) -> None:
    told = archive.manifest
    needed = told.objects.bytes + _ROOM_FOR_ROWS * sum(each.bytes for each in told.tables.values())
    place = next(each for each in (home, *home.parents) if each.exists())
    if needed > (free := shutil.disk_usage(place).free):
        raise StorageUnavailable(
            f"The backup needs about {needed:,} bytes, and {place} has {free:,}.",
            remedy="Free some space there, or set NAVIGATOR_HOME to another disk.",
        )


def _require_empty(home: Path) -> None:
    if running_stack(home) is not None:
        raise UsageError(f"`navigator up` runs on {home}.", remedy="`navigator down` stops it.")
    for name in (UNFINISHED, "postgres", OBJECTS):
        if os.path.lexists(home / name):
            raise UsageError(
                f"{home} is not empty: there is a folder {name}."
                if name != UNFINISHED
                else f"{home} holds a part of a backup: a restore is under way or was cut off.",
                remedy="Set NAVIGATOR_HOME to an empty folder, or empty this one with "
                "`navigator reset`.",
            )


async def _build_indexes(home: Path, settings: Settings) -> None:
    database = Database.at(open_embedded(home / "postgres"))
    try:
        await build_indexes(database, settings.hnsw_min_vectors)
        await index_everybody(database)
    finally:
        await database.close()
