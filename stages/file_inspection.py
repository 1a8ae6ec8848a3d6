"""Inspects files before intake: hashes or refuses them, and gives them the database's names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from clients.storage.objects import raw_key
from pipeline.parsing.media import shown_name
from pipeline.sources import FileContent, RejectedFile, examine, storable
from pipeline.store.registration import Source


async def inspect_files(
    files: Sequence[Path], max_bytes: int, within: Mapping[Path, str] = MappingProxyType({})
) -> tuple[list[FileContent], list[RejectedFile]]:
    """Hash files in a thread: those that can be read, and those that cannot with their reasons."""
    found = await asyncio.to_thread(
        lambda: [examine(path, max_bytes, within.get(path, "")) for path in files]
    )
    contents = [each for each in found if isinstance(each, FileContent)]
    return contents, [each for each in found if isinstance(each, RejectedFile)]


def as_source(user: UUID, content: FileContent) -> Source:
    """A file as the database names it: its source is its absolute path."""
    return Source(
        source=storable(content.path),
        name=shown_name(storable(content.path.relative_to(content.path.parent))),
        file_sha256=content.sha256,
        file_bytes=content.size,
        storage_key=raw_key(user, content.sha256),
    )
