"""Writes a backup's archive: a tar of the tables' rows, the stored objects and a manifest.

First the tables as pieces of what COPY writes (``tables/NAME/000001``), then the objects by the
order of their keys (``objects/KEY``), then the manifest. `archive_reader.py` reads no other file.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import StorageUnavailable, UsageError

MANIFEST, OBJECTS, TABLES = "manifest.json", "objects", "tables"
FORMAT = 2
PIECE_BYTES = 1024 * 1024
_TABLE_PIECE_BYTES = 8 * 1024 * 1024
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Number = Annotated[int, Field(ge=0, le=2**63)]
_Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,62}$")]
_Contraction = Annotated[str, Field(pattern="^[0-9][a-z0-9_]{0,79}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class TableManifest(_Strict):
    """What a backup holds of a table: rows, and the bytes that COPY wrote of these columns."""

    columns: Annotated[list[_Name], Field(max_length=200)]
    rows: _Number
    bytes: _Number
    sha256: _Hash


class ObjectsManifest(_Strict):
    """What it holds of stored objects; the hash is over a line for each: hash, size and key."""

    count: _Number = 0
    bytes: _Number = 0
    sha256: _Hash


class Manifest(_Strict):
    """What a backup holds, to be compared with what is in it.

    Attributes:
        format: of the archive.
        made: when, in UTC.
        version: of this program.
        revision: of the database's schema; contractions: that it has gone through since.
    """

    format: int
    made: Annotated[str, Field(max_length=40)]
    version: Annotated[str, Field(max_length=40)]
    revision: Annotated[str, Field(max_length=40)]
    tables: Annotated[dict[_Name, TableManifest], Field(max_length=200)]
    objects: ObjectsManifest
    contractions: Annotated[list[_Contraction], Field(max_length=1000)] = []


class ObjectsDigest:
    """The sum over objects, added one by one in the order of their keys."""

    def __init__(self) -> None:
        self.count = self.bytes = 0
        self._digest = hashlib.sha256()

    def add(self, key: str, size: int, sha256: str) -> None:
        """Add an object."""
        self.count, self.bytes = self.count + 1, self.bytes + size
        self._digest.update(f"{sha256} {size} {key}\n".encode())

    def manifest(self) -> ObjectsManifest:
        """What has been added."""
        digest = self._digest.hexdigest()
        return ObjectsManifest(count=self.count, bytes=self.bytes, sha256=digest)


class ArchiveWriter:
    """Fills a backup's file."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self.objects = ObjectsDigest()

    def add_table(self, name: str, stream: Iterator[bytes]) -> tuple[int, str]:
        """Put what COPY writes of a table into the archive; its bytes and its sha256."""
        digest, size, held, number = hashlib.sha256(), 0, bytearray(), 0
        for piece in stream:
            held += piece
            if len(held) >= _TABLE_PIECE_BYTES:
                number += 1
                self._add(f"{TABLES}/{name}/{number:06}", len(held), io.BytesIO(held))
                held.clear()
            digest.update(piece)
            size += len(piece)
        if held:
            self._add(f"{TABLES}/{name}/{number + 1:06}", len(held), io.BytesIO(held))
        return size, digest.hexdigest()

    def add_object(self, key: str, path: Path) -> None:
        """Put a stored object into the archive.

        Raises:
            FileNotFoundError: it is not there any more.
        """
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(file, "rb") as content:
            size, hashed = os.fstat(file).st_size, _Hashed(content)
            self._add(f"{OBJECTS}/{key}", size, hashed)
        self.objects.add(key, size, hashed.hexdigest())

    def add_manifest(self, manifest: Manifest) -> None:
        """Put the manifest into the archive, last."""
        # older programs know no contractions, and refuse what they do not know
        unknown = None if manifest.contractions else {"contractions"}
        written = manifest.model_dump_json(indent=1, exclude=unknown).encode()
        self._add(MANIFEST, len(written), io.BytesIO(written))

    def _add(self, name: str, size: int, content: IO[bytes] | _Hashed) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self._archive.addfile(member, content)


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
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
            with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
                yield ArchiveWriter(archive)
            os.fsync(out.fileno())
        draft.rename(path)
    except OSError as error:
        raise StorageUnavailable(
            f"{path} cannot be written ({error.strerror}).",
            remedy="Free some space there, or name another folder.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def now() -> str:
    """The time of a backup."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class _Hashed:
    """A file that is hashed as it is read."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._digest = hashlib.sha256()

    def read(self, size: int = PIECE_BYTES) -> bytes:
        piece = self._content.read(size)
        self._digest.update(piece)
        return piece

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
