"""Reads a backup's archive as untrusted input: refuses whatever we do not write that way.

The archive is not unpacked but looked through, header by header: only plain files, in our order,
each inside the file that there is. Nothing is compressed, so what comes out is no more than what
lies there, and what lies there is limited.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from app.stack.archive import FORMAT, MANIFEST, PIECE_BYTES, TABLES, Manifest, ObjectsDigest
from app.stack.archive_members import Member, follows, long_name
from pipeline.errors import UsageError

OLD_DUMP = "database.dump"
_MOST_MANIFEST_BYTES = 1024 * 1024


class InvalidArchive(UsageError):
    """A file that is no backup of ours, or not the one that was written."""

    remedy = "Take another file, made by `navigator backup`; nothing was changed."


class ArchiveReader:
    """An open archive whose headers have all been seen to be ours.

    Attributes:
        manifest: what it says that it holds.
    """

    def __init__(self, path: Path, file: IO[bytes], size: int) -> None:
        self._path, self._file, self._size = path, file, size
        self.manifest = self._look_through()

    def members(self) -> Iterator[Member]:
        """Its files in their order, without the manifest."""
        return (each for each in self._headers() if each.name != MANIFEST)

    def content(self, member: Member) -> Iterator[bytes]:
        """The bytes of a file, in pieces."""
        at, end = member.offset, member.offset + member.size
        while at < end:
            if not (piece := self._read(at, min(PIECE_BYTES, end - at))):
                raise self._invalid("it has become shorter")
            at += len(piece)
            yield piece

    def compare(self) -> None:
        """Compare every byte with the manifest.

        Raises:
            UnfitArchive: something is not what was saved.
        """
        objects, sizes = ObjectsDigest(), dict.fromkeys(self.manifest.tables, 0)
        digests = {name: hashlib.sha256() for name in sizes}
        for member in self.members():
            if member.table is not None:
                for piece in self.content(member):
                    digests[member.table].update(piece)
                sizes[member.table] += member.size
            else:
                self._add(objects, member)
        for name, told in self.manifest.tables.items():
            if (sizes[name], digests[name].hexdigest()) != (told.bytes, told.sha256):
                raise self._damaged(f"{TABLES}/{name}")
        if objects.manifest() != self.manifest.objects:
            raise self._damaged("its stored files")

    def _add(self, objects: ObjectsDigest, member: Member) -> None:
        digest = hashlib.sha256()
        for piece in self.content(member):
            digest.update(piece)
        if member.raw_sha256 not in (None, digest.hexdigest()):
            raise self._damaged(member.name)
        objects.add(member.key or "", member.size, digest.hexdigest())

    def _look_through(self) -> Manifest:
        """All headers, before anything else is read of it."""
        last, tables, before = None, set[str](), Member("", 0, 0)
        for member in self._headers():
            if not follows(before, member):
                raise self._invalid("its files are not in their order")
            if member.name == MANIFEST:
                last = member
            elif member.table is not None:
                if member.table in tables and member.table != before.table:
                    raise self._invalid("its files are not in their order")
                tables.add(member.table)
            before = member
        if last is None:
            raise self._invalid("it has no manifest")
        manifest = self._read_manifest(last)
        if not tables <= set(manifest.tables):
            raise self._invalid("it holds a table that its manifest does not name")
        return manifest

    def _read_manifest(self, member: Member) -> Manifest:
        if member.size > _MOST_MANIFEST_BYTES:
            raise self._invalid("its manifest is too large")
        try:
            manifest = Manifest.model_validate_json(b"".join(self.content(member)))
        except (ValidationError, ValueError, RecursionError):
            raise self._invalid("its manifest cannot be read") from None
        if manifest.format != FORMAT:
            raise self._invalid("it is of another format")
        return manifest

    def _headers(self) -> Iterator[Member]:
        """The headers one after the other, up to the two empty ones at the end."""
        at = 0
        while (header := self._read(at, tarfile.BLOCKSIZE)) != bytes(tarfile.BLOCKSIZE):
            member = self._member(header, at + tarfile.BLOCKSIZE)
            yield member
            at = member.offset + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        self._require_end(at)

    def _require_end(self, at: int) -> None:
        rest = self._size - at
        if not 2 * tarfile.BLOCKSIZE <= rest <= tarfile.RECORDSIZE + tarfile.BLOCKSIZE:
            raise self._invalid("something follows its end")
        if any(self._read(at, rest)):
            raise self._invalid("something follows its end")

    def _member(self, header: bytes, offset: int) -> Member:
        found, name = self._parsed(header), None
        if found.type == tarfile.XHDTYPE and found.size <= tarfile.BLOCKSIZE:
            # Who packs an archive anew may give a long name so; nothing else is taken from there.
            name = long_name(self._read(offset, found.size))
            found = self._parsed(self._read(offset + tarfile.BLOCKSIZE, tarfile.BLOCKSIZE))
            offset += 2 * tarfile.BLOCKSIZE
        if found.type != tarfile.REGTYPE or found.linkname:
            raise self._invalid("it holds something else than plain files")
        if not 0 <= found.size <= self._size - offset:
            raise self._invalid("a file in it is longer than the archive")
        member = Member(found.name if name is None else name, offset, found.size)
        if not member.has_our_name:
            raise self._invalid("a file in it has a name that we do not give")
        return member

    def _parsed(self, header: bytes) -> tarfile.TarInfo:
        try:
            found = tarfile.TarInfo.frombuf(header, "ascii", "strict")
        except (tarfile.HeaderError, ValueError):
            raise self._invalid("it is no archive of ours") from None
        if found.name == OLD_DUMP:
            raise InvalidArchive(
                f"{self._path} was made by an older release: it holds SQL, which is not executed.",
                remedy="Restore it with the release that made it, then save it with this one: "
                "`navigator backup` there, after the update.",
            )
        return found

    def _read(self, at: int, size: int) -> bytes:
        try:
            self._file.seek(at)
            return self._file.read(size)
        except OSError as error:
            raise UsageError(f"{self._path} cannot be read ({error.strerror}).") from None

    def _invalid(self, why: str) -> InvalidArchive:
        return InvalidArchive(f"{self._path} is no whole backup: {why}.")

    def _damaged(self, name: str) -> InvalidArchive:
        return InvalidArchive(f"{self._path} is damaged: {name} is not what was saved.")


@contextmanager
def reading(path: Path, most_bytes: int) -> Iterator[ArchiveReader]:
    """A backup to read from, whose headers are ours and whose size is within the limit.

    Raises:
        UnfitArchive: it is no backup of ours.
        UsageError: it is too large, or cannot be opened.
    """
    try:
        # A pipe without a writer is opened at once, and seen to be none.
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - closed below
    except OSError as error:
        raise UsageError(f"{path} cannot be opened ({error.strerror}).") from None
    with file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise InvalidArchive(f"{path} is no whole backup: it is no file.")
        if found.st_size > most_bytes:
            raise UsageError(
                f"{path} has {found.st_size:,} bytes, and {most_bytes:,} are allowed.",
                remedy="Raise NAVIGATOR_RESTORE_MAX_BYTES if you know the file.",
            )
        yield ArchiveReader(path, file, found.st_size)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
