"""Stores the originals of local files: the very bytes that were inspected."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import ExitStack

from clients.storage.object_storage import Storage
from pipeline.sources import FileContent, unchanged

_OPEN_AT_ONCE = 64
"""Files held open at once while they are stored; a process may often open 256 in all."""


async def store_files(storage: Storage, files: Sequence[tuple[str, FileContent]]) -> list[bool]:
    """Store files that were hashed, each under its key.

    Returns:
        Of each, in order, whether it was still there and the same.
    """
    stored: list[bool] = []
    for start in range(0, len(files), _OPEN_AT_ONCE):
        stored += await _store(storage, files[start : start + _OPEN_AT_ONCE])
    return stored


async def _store(storage: Storage, files: Sequence[tuple[str, FileContent]]) -> list[bool]:
    with ExitStack() as stack:
        paths = [stack.enter_context(unchanged(content)) for _, content in files]
        present = [
            (key, path) for (key, _), path in zip(files, paths, strict=True) if path is not None
        ]
        stored = iter(await storage.put_all(present))
        there = await asyncio.to_thread(lambda: [os.path.lexists(c.path) for _, c in files])
        return [
            path is not None and next(stored) and still
            for path, still in zip(paths, there, strict=True)
        ]
