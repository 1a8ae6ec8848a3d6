"""A backup's file: a tar of the database's dump, the stored objects and a manifest of both."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from pipeline.errors import StorageUnavailable, UsageError

DUMP, MANIFEST, OBJECTS = "database.dump", "manifest.json", "objects"
FORMAT = 1
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, to be compared after it has been restored.

    Attributes:
        format: of the archive.
        made: when, in UTC.
        version: of this program.
        revision: of the database's schema.
        rows: in each table.
        dump_sha256: of the database's dump.
        objects: each object's sha256 by its key.
    """

    format: int
    made: str
    version: str
    revision: str
    rows: dict[str, int]
    dump_sha256: str
    objects: dict[str, str]


@contextmanager
def writing(path: Path) -> Iterator[tarfile.TarFile]:
    """An archive to fill; it appears under its name when it is whole, readable to its owner only.

    Raises:
        UsageError: there is such a file already.
        StorageUnavailable: it cannot be written.
    """
    if path.exists():
        raise UsageError(f"{path} is there already.", remedy="Name another file, or remove it.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w") as archive:
                yield archive
            os.fsync(out.fileno())
        draft.rename(path)
    except OSError as error:
        raise StorageUnavailable(
            f"{path} cannot be written ({error.strerror}).",
            remedy="Free some space there, or name another folder.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def add_file(archive: tarfile.TarFile, path: Path, name: str) -> str:
    """Put a file into the archive; its sha256."""
    with path.open("rb") as content:
        digest = _Hashed(content)
        member = tarfile.TarInfo(name)
        member.size, member.mode = os.fstat(content.fileno()).st_size, 0o600
        archive.addfile(member, digest)
    return digest.hexdigest()


def add_manifest(archive: tarfile.TarFile, manifest: Manifest) -> None:
    """Put the manifest into the archive, last."""
    written = json.dumps(asdict(manifest), indent=1).encode()
    member = tarfile.TarInfo(MANIFEST)
    member.size, member.mode = len(written), 0o600
    archive.addfile(member, io.BytesIO(written))


def extract(path: Path, folder: Path) -> Manifest:
    """Unpack an archive into a folder and compare everything with its manifest.

    Raises:
        UsageError: it is no backup of ours, or it is damaged; the sentence names what is wrong.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                _unpack(archive, member, folder)
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text("utf-8")))
    except (tarfile.TarError, OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"{path} is no whole backup ({type(error).__name__}).",
            remedy="Take another file, made by `navigator backup`.",
        ) from None
    if manifest.format != FORMAT:
        raise UsageError(f"{path} is a backup of another format ({manifest.format}).")
    _compare(folder, manifest, path)
    return manifest


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Nothing outside the folder, no links, no devices; tarfile's own filter came with 3.11.4."""
    target = folder / member.name
    content = archive.extractfile(member) if member.isreg() else None
    if content is None or not target.resolve().is_relative_to(folder.resolve()):
        raise ValueError("a backup holds files and nothing else")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with content, os.fdopen(private, "wb") as out:
        shutil.copyfileobj(content, out)


def _compare(folder: Path, manifest: Manifest, path: Path) -> None:
    expected = {DUMP: manifest.dump_sha256}
    expected |= {f"{OBJECTS}/{key}": digest for key, digest in manifest.objects.items()}
    for name, digest in expected.items():
        if not (folder / name).is_file() or _sha256(folder / name) != digest:
            raise UsageError(
                f"{path} is damaged: {name} is not what was saved.",
                remedy="Take another backup; nothing was changed.",
            )


def now() -> str:
    """The time of a backup."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


class _Hashed:
    """A file that is hashed as it is read."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._digest = hashlib.sha256()

    def read(self, size: int = _PIECE) -> bytes:
        piece = self._content.read(size)
        self._digest.update(piece)
        return piece

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
