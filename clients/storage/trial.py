"""Tries a storage: an object is written, read and removed."""

from __future__ import annotations

from uuid import uuid4

from clients.storage.object_storage import Storage
from pipeline.errors import ConfigurationError


class OtherBytes(ConfigurationError):
    """A storage gives back other bytes than were stored in it."""

    code = "other_bytes"


async def try_storage(storage: Storage, prefix: str) -> None:
    """Require that the storage takes an object and gives it back; nothing of it is left.

    Args:
        prefix: of the object's key.

    Raises:
        OtherBytes: it gives back something else.
        StorageUnavailable: it does not answer, or refuses.
    """
    key, data = f"{prefix}{uuid4()}", uuid4().bytes
    await storage.put(key, data)
    try:
        if await storage.get(key) != data:
            raise OtherBytes("The storage gives back other bytes than were stored.")
    finally:
        await storage.delete([key])
