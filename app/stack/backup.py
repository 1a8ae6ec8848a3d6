"""Backs up the local default to one archive (`navigator backup`).

Saved are the rows of our tables and the stored objects, from which everything else can be made
again. Left out are Prefect's history, logs, reports, and the secret that signs tokens.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.stack.archive import FORMAT, OBJECTS, ArchiveWriter, Manifest, TableManifest, now, writing
from app.stack.archive_members import is_our_key
from app.version import program_version
from pipeline.errors import UsageError
from pipeline.settings import Settings
from pipeline.store.dumping import Snapshot, snapshot
from pipeline.store.embedded import owner_of_embedded
from pipeline.store.migrating import migrate


@dataclass(frozen=True, slots=True)
class Saved:
    """What a backup or a restore came to.

    Attributes:
        documents, passages: in the database; what was deleted is not counted.
        objects: stored files.
        missing: stored files that were deleted while they were being saved.
        size: bytes of the archive.
    """

    path: Path
    documents: int
    passages: int
    objects: int
    missing: int
    size: int


def backup(settings: Settings, path: Path) -> Saved:
    """Save everything to a file; may be done while the system runs.

    Raises:
        UsageError: the corpus is not in the local default, or the file is there already.
    """
    require_local(settings)
    if not (settings.home / "postgres").exists():
        raise UsageError(f"There is nothing in {settings.home} to save.")
    url = owner_of_embedded(settings.home / "postgres")
    migrate(url)
    return save(url, settings.home / OBJECTS, path)


def save(url: str, folder: Path, path: Path) -> Saved:
    """Write a database and its objects to a file."""
    with snapshot(url) as held, writing(path) as archive:
        tables = {name: _save_table(held, archive, name) for name in held.columns}
        missing = _save_objects(held, archive, folder)
        manifest = Manifest(
            format=FORMAT, made=now(), version=program_version(),
            revision=held.revision, tables=tables, objects=archive.objects.manifest(),
            contractions=list(held.contractions),
        )  # fmt: skip
        archive.add_manifest(manifest)
        documents = held.documents()
    return told(path, manifest, documents=documents, missing=missing)


def _save_table(held: Snapshot, archive: ArchiveWriter, name: str) -> TableManifest:
    size, sha256 = archive.add_table(name, held.table(name))
    return TableManifest(
        columns=held.columns[name], rows=held.rows[name], bytes=size, sha256=sha256
    )


def _save_objects(held: Snapshot, archive: ArchiveWriter, folder: Path) -> int:
    """The number of objects that were deleted since the snapshot."""
    missing = 0
    for key in held.objects():
        if not is_our_key(key):
            raise UsageError(
                "A row names a stored file that cannot be one of ours; nothing was saved.",
                remedy="Please report it; `navigator doctor` looks at the rest.",
            )
        missing += 1
        with suppress(FileNotFoundError):
            archive.add_object(key, folder / key)
            missing -= 1
    return missing


def require_local(settings: Settings) -> None:
    """Make sure that database and storage are the local default's.

    Raises:
        UsageError: they are not.
    """
    named = settings.database_url, settings.database_block, settings.storage_url
    if any(each is not None for each in (*named, settings.storage_block)):
        raise UsageError(
            "Only the local default can be saved here, and a database or a storage is named.",
            remedy="Save those with their own tools, such as pg_dump, or unset the variables.",
        )


def told(path: Path, manifest: Manifest, *, documents: int, missing: int) -> Saved:
    """What a backup holds, for a person or a program."""
    passages = manifest.tables.get("document_chunks")
    return Saved(
        path=path,
        documents=documents,
        passages=passages.rows if passages else 0,
        objects=manifest.objects.count,
        missing=missing,
        size=path.stat().st_size,
    )
