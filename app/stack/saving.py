"""`navigator backup` and `navigator restore`: the local default to one file, and back.

Saved are the database and the stored objects, from which everything else can be made again. Left
out are Prefect's history, logs, reports, and the secret that signs tokens.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from app.stack.archive import (
    DUMP,
    FORMAT,
    OBJECTS,
    Manifest,
    add_file,
    add_manifest,
    extract,
    now,
    writing,
)
from app.stack.state import running_stack
from pipeline.errors import StorageUnavailable, UsageError
from pipeline.private_files import open_home
from pipeline.settings import Settings
from pipeline.store import dumping
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.engine import migrate


@dataclass(frozen=True, slots=True)
class Saved:
    """What a backup or a restore came to.

    Attributes:
        documents, passages: in the database.
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
    _require_local(settings)
    if not (settings.home / "postgres").exists():
        raise UsageError(f"There is nothing in {settings.home} to save.")
    url = start_embedded(settings.home / "postgres")
    migrate(url)
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".backup-") as draft:
        dump = Path(draft) / DUMP
        held = dumping.dump(url, dump)
        with writing(path) as archive:
            dump_sha256 = add_file(archive, dump, DUMP)
            objects = {}
            for key in sorted(held.objects):
                with suppress(FileNotFoundError):  # deleted since the dump
                    stored = settings.home / "objects" / key
                    objects[key] = add_file(archive, stored, f"{OBJECTS}/{key}")
            manifest = Manifest(
                FORMAT, now(), version("insurance-navigator"), held.revision, held.rows,
                dump_sha256, objects,
            )  # fmt: skip
            add_manifest(archive, manifest)
    return _saved(path, manifest, len(held.objects) - len(objects))


def restore(settings: Settings, path: Path) -> Saved:
    """Fill an empty home from a backup, and compare what is there with what was saved.

    Raises:
        UsageError: the home is not empty, or the file is no whole backup; nothing is changed.
        StorageUnavailable: what was restored is not what was saved.
    """
    _require_local(settings)
    home = settings.home.absolute()
    _require_empty(home)
    open_home(home)
    with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as draft:
        manifest = extract(path, Path(draft))
        dumping.require_known(manifest.revision)
        try:
            held = dumping.load(start_embedded(home / "postgres"), Path(draft) / DUMP)
            if held.rows != manifest.rows:
                raise StorageUnavailable(
                    "The restored database does not hold the rows that were saved.",
                    remedy="Please report it; the backup is untouched.",
                )
            if manifest.objects:
                (Path(draft) / OBJECTS).rename(home / "objects")
        except BaseException:
            stop_embedded(home / "postgres")
            shutil.rmtree(home / "postgres", ignore_errors=True)
            raise
    return _saved(path, manifest, len(held.objects - set(manifest.objects)))


def _require_local(settings: Settings) -> None:
    named = settings.database_url, settings.database_block, settings.storage_url
    if any(each is not None for each in (*named, settings.storage_block)):
        raise UsageError(
            "Only the local default can be saved here, and a database or a storage is named.",
            remedy="Save those with their own tools, such as pg_dump, or unset the variables.",
        )


def _require_empty(home: Path) -> None:
    if running_stack(home) is not None:
        raise UsageError(f"`navigator up` runs on {home}.", remedy="`navigator down` stops it.")
    for name in ("postgres", "objects"):
        if (home / name).exists():
            raise UsageError(
                f"{home} is not empty: there is a folder {name}.",
                remedy="Set NAVIGATOR_HOME to an empty folder, or empty this one with "
                "`navigator reset`.",
            )


def _saved(path: Path, manifest: Manifest, missing: int) -> Saved:
    return Saved(
        path=path,
        documents=manifest.rows.get("documents", 0),
        passages=manifest.rows.get("document_chunks", 0),
        objects=len(manifest.objects),
        missing=missing,
        size=path.stat().st_size,
    )
