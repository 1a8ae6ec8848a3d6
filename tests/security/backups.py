"""Backups as a stranger makes them: well-formed ones of an altered database, and altered files."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from app.stack.archive import MANIFEST, OBJECTS, TABLES
from app.stack.archive_reader import reading
from app.stack.restore import fill
from pipeline.store.dumping import plain

MOST_BYTES = 2**30


@dataclass
class Parts:
    """What is in an archive: its manifest, and its other files by name, in their order."""

    manifest: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> Parts:
        """Those of a file."""
        with tarfile.open(path) as archive:
            found = {each.name: _content(archive, each) for each in archive}
        return cls(json.loads(found.pop(MANIFEST)), found)

    def seal(self) -> Parts:
        """Make the manifest tell of the files as they are now, but for their rows."""
        for name, told in self.manifest["tables"].items():
            own = f"{TABLES}/{name}/"
            content = b"".join(self.files[each] for each in self.files if each.startswith(own))
            told |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        digest, sizes = hashlib.sha256(), []
        for name, content in self.files.items():
            if name.startswith(f"{OBJECTS}/"):
                sizes.append(len(content))
                key, sha256 = name.partition("/")[2], hashlib.sha256(content).hexdigest()
                digest.update(f"{sha256} {len(content)} {key}\n".encode())
        self.manifest["objects"] = {
            "count": len(sizes), "bytes": sum(sizes), "sha256": digest.hexdigest()
        }  # fmt: skip
        return self

    def write(self, path: Path, *extra: tuple[tarfile.TarInfo, bytes]) -> Path:
        """Write them, and more members before the manifest."""
        members = [(plain_file(name, content), content) for name, content in self.files.items()]
        told = json.dumps(self.manifest).encode()
        write_tar(path, [*members, *extra, (plain_file(MANIFEST, told), told)])
        return path


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(member)
    assert content is not None
    return content.read()


def plain_file(name: str, content: bytes = b"") -> tarfile.TarInfo:
    """A member that is a file."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member


def write_tar(
    path: Path, members: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.USTAR_FORMAT
) -> None:
    """Write an archive of these members."""
    with tarfile.open(path, "w", format=form) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))


def restored(url: str, path: Path, folder: Path) -> int:
    """Fill a database and a folder of objects from a file, as `navigator restore` does.

    Returns:
        How many objects were named and are not there.
    """
    with reading(path, MOST_BYTES) as archive:
        archive.compare()
        return fill(url, archive, folder)[1]


def run_sql(url: str, *statements: str) -> list[Any]:
    """Do something as the superuser; the rows of the last statement, if it has any."""
    with psycopg.connect(plain(url)) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def contents(url: str) -> dict[str, Any]:
    """Each table's rows as one hash, whatever their order."""
    tables = run_sql(
        url,
        "SELECT relname FROM pg_class WHERE relnamespace = 'upload_pipeline'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1",
    )
    row = "md5(string_agg(md5(t::text), '' ORDER BY md5(t::text)))"
    return {
        name: run_sql(url, f"SELECT count(*), {row} FROM upload_pipeline.{name} AS t")
        for (name,) in tables
    }
