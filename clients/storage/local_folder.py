"""Stores objects in a folder: no symbolic link leads out, and writes are atomic."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from pipeline.errors import StorageUnavailable

REAL_FOLDER_SECONDS = 1.0
"""A folder seen to be no symbolic link is taken for one so long; a look costs more than a read."""
# The store writes `KEY#1`, or the next number that is free, and renames that when it is whole.
_UNFINISHED_AT_MOST = 9


class RealFolder:
    """The root of a local store, which would follow links; ours must not. Safe to use in threads.

    Args:
        path: where the objects lie.
    """

    def __init__(self, path: Path) -> None:
        # Plain strings: this is asked for every object, and pathlib would be half of its cost.
        self._root = os.fspath(path)
        self._real: set[str] = set()
        self._looked_at = 0.0

    @property
    def path(self) -> str:
        """Where the objects lie."""
        return self._root

    def refuse_links(self, key: str) -> None:
        """Make sure that no part of a key is a link.

        Raises:
            StorageUnavailable: one is.
        """
        if (now := time.monotonic()) > self._looked_at + REAL_FOLDER_SECONDS:
            self._real, self._looked_at = set(), now
        path = self._root
        *folders, name = key.split("/")
        for part in folders:
            path = f"{path}/{part}"
            if path in self._real:
                continue
            _refuse_link(path)
            self._real.add(path)
        _refuse_link(f"{path}/{name}")

    def remove_unfinished(self, key: str) -> None:
        """Remove what writers that were killed left of an object; nobody may be writing it."""
        for number in range(1, _UNFINISHED_AT_MOST + 1):
            _remove(f"{self._root}/{key}#{number}")

    def remove_unfinished_under(self, prefix: str) -> None:
        """The same for every object whose key begins so."""
        for folder, _, names in os.walk(f"{self._root}/{prefix}"):
            for name in names:
                if "#" in name:
                    _remove(f"{folder}/{name}")


def _remove(path: str) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)  # noqa: PTH108


def _refuse_link(path: str) -> None:
    if os.path.islink(path):  # noqa: PTH114
        raise StorageUnavailable(
            "The storage folder holds a symbolic link, which is not followed.",
            remedy="Remove the link from the storage folder, then run it again.",
        )
