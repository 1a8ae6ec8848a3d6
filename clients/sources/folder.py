"""Reads a folder of this machine as a source: a file is read again when its stamp has changed.

What is taken of a folder, and which links are followed, is as with `navigator ingest`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from clients.source import Item, ObjectGone, ObjectUnreadable, SourcePlugin
from pipeline.errors import ConfigurationError
from pipeline.missing_files import is_gone
from pipeline.regular_files import Elsewhere, NoRegularFile, opened
from pipeline.source_address import SourceAddress
from pipeline.sources import find_files

_PIECE = 1024 * 1024
_AT_ONCE = 1000
_SETTLED_NANOSECONDS = 2_000_000_000
"""A file that changed so recently may change again without another stamp."""


class FolderSource:
    """A folder.

    Args:
        folder: its path.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._within: dict[str, str] = {}

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """Every document in the folder and below it."""
        found = await asyncio.to_thread(find_files, [os.fspath(self._folder)])
        if not found.roots:
            raise ConfigurationError(
                "The source's folder is no folder.", remedy="Name a folder, not a file."
            )
        for start in range(0, len(found.files), _AT_ONCE):
            paths = found.files[start : start + _AT_ONCE]
            self._within.update({self._key(path): found.within.get(path, "") for path in paths})
            yield await asyncio.to_thread(self._items, paths)

    def _key(self, path: Path) -> str:
        return os.path.relpath(path, self._folder)

    def _real(self) -> str:
        return os.path.realpath(self._folder)

    def _items(self, paths: Sequence[Path]) -> list[Item]:
        return [_item(self._key(path), path) for path in paths]

    async def read(self, item: Item) -> AsyncIterator[bytes]:
        """The bytes of a file, as long as it is the one that was listed."""
        with _reading():
            within = self._within.get(item.key, "") or await asyncio.to_thread(self._real)
            with opened(self._folder / item.key, within) as descriptor:
                while piece := await asyncio.to_thread(os.read, descriptor, _PIECE):
                    yield piece
                if _mark(os.fstat(descriptor)) != item.revision:
                    raise ObjectGone("It changed while it was read.")

    async def labels(self, item: Item) -> Mapping[str, str]:
        """None: files have none."""
        return {}

    async def is_gone(self, key: str) -> bool:
        """Whether nothing is at this path any more."""
        return await asyncio.to_thread(is_gone, os.fspath(self._folder / key))

    async def close(self) -> None:
        """Nothing to do."""


def _item(key: str, path: Path) -> Item:
    try:
        stat = path.stat()
    except OSError:
        return Item(key, 0, "")  # reading it says why
    settled = time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NANOSECONDS
    return Item(key, stat.st_size, _mark(stat) if settled else "", _mark(stat))


def _mark(stat: os.stat_result) -> str:
    return f"{stat.st_ino}.{stat.st_size}.{stat.st_mtime_ns}.{stat.st_ctime_ns}"


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise ObjectGone("It vanished while it was read.") from None
    except (NoRegularFile, Elsewhere):
        raise ObjectUnreadable("It is no file, or lies outside of the source's folder.") from None
    except OSError as error:
        raise ObjectUnreadable(f"It cannot be read ({os.strerror(error.errno or 0)}).") from None


def open_source(address: SourceAddress, options: Mapping[str, str]) -> FolderSource:
    """The folder; whether it is there is found when it is listed.

    Raises:
        ConfigurationError: options were given.
    """
    if options:
        raise ConfigurationError(
            "A folder has no options and no credentials.", remedy="Leave them out."
        )
    return FolderSource(Path(address.path))


PLUGIN = SourcePlugin("a folder of this machine", open_source)
