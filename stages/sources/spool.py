"""Spools objects of a source to files without a name, which are gone with this process."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from clients.source import ObjectGone, ObjectUnreadable, Source
from pipeline.concurrency import gather_bounded
from pipeline.regular_files import path_of
from pipeline.sources import RejectedFile
from stages.sources.survey import Wanted, refused, too_large

OBJECTS_AT_ONCE, BYTES_AT_ONCE = 64, 64 * 1024 * 1024
"""Objects of a group: each has a file that is open."""
_READ_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Spooled:
    """An object that was read.

    Attributes:
        path: good as long as the spool is open.
    """

    wanted: Wanted
    sha256: str
    size: int
    path: Path


def groups(wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Objects in groups that are spooled together; one that is larger is alone."""
    group: list[Wanted] = []
    size = 0
    for each in wanted:
        size += each.item.size
        if group and (len(group) == OBJECTS_AT_ONCE or size > BYTES_AT_ONCE):
            yield group
            group, size = [], each.item.size
        group.append(each)
    if group:
        yield group


class Spool:
    """Files of objects, closed together.

    Args:
        most: bytes of an object that are taken.
    """

    def __init__(self, source: Source, most: int, stack: ExitStack) -> None:
        self._source, self._most, self._stack = source, most, stack

    async def fetch_all(self, wanted: Sequence[Wanted]) -> list[Spooled | RejectedFile | None]:
        """Read objects; None for one that is not there any more as it was listed."""
        return await gather_bounded(_READ_AT_ONCE, (self.fetch(each) for each in wanted))

    async def fetch(self, wanted: Wanted) -> Spooled | RejectedFile | None:
        """Read one object."""
        file = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        digest, size = hashlib.sha256(), 0
        try:
            async for piece in self._source.read(wanted.item):
                size += len(piece)
                if size > self._most:  # whatever was listed
                    return too_large(wanted.source, self._most)
                digest.update(piece)
                await asyncio.to_thread(_write, file, piece)
        except ObjectGone:
            return None
        except ObjectUnreadable as error:
            return refused(wanted.source, error)
        await asyncio.to_thread(file.flush)
        return Spooled(wanted, digest.hexdigest(), size, path_of(file.fileno()))


def _write(file: IO[bytes], piece: bytes) -> None:
    file.write(piece)


@contextmanager
def opened_spool(source: Source, most: int) -> Iterator[Spool]:
    """A spool for this block."""
    with ExitStack() as stack:
        yield Spool(source, most, stack)
