"""Finds a release by its file, or by its id in an environment's storage."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from clients.storage.object_storage import Storage
from clients.storage.objects import ObjectMissing
from deployments.releases.archive import Packed, read_release_file, storage_key, unpacked
from pipeline.errors import UsageError

_ID = re.compile(r"[0-9A-Za-z.]{1,40}-[0-9a-f]{10}")


def is_id(name: str) -> bool:
    """Whether a name is a release's id rather than a file."""
    return _ID.fullmatch(name) is not None


async def release_named(storage: Storage, name: str) -> Packed:
    """The release of a file, or the one with this id in the storage.

    Raises:
        UsageError: there is neither, or it was changed.
    """
    if is_id(name):
        return await stored_release(storage, name)
    return await asyncio.to_thread(read_release_file, Path(name))


async def stored_release(storage: Storage, release_id: str) -> Packed:
    """The release with this id in the storage.

    Raises:
        UsageError: there is none, or it was changed.
        StorageUnavailable: the storage does not answer.
    """
    try:
        data = await storage.get(storage_key(release_id))
    except ObjectMissing:
        raise UsageError(
            f"The storage has no release {release_id}.",
            remedy="Name the file that `navigator release` wrote, or see `navigator releases`.",
        ) from None
    return await asyncio.to_thread(unpacked, bytes(data), f"The stored release {release_id}")
