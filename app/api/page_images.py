"""Renders pictures of pages in one sandboxed process, one after the other."""

from __future__ import annotations

import asyncio
from hashlib import sha256

from clients.parser_pool.sandbox import ParserPool
from clients.storage.object_storage import Storage
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.rendering import renderer
from pipeline.settings import Settings
from pipeline.store.page_queries import VersionView
from stages.page_view import draw_page

# Of the time that a request has; the rest is for waiting and for reading the file.
_SHARE = 0.6


class PagePictures:
    """Renders pages; its process is started when the first one is asked for."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._settings = settings
        self._storage = storage
        most = settings.request_timeout_seconds * _SHARE
        options = ParseOptions(
            timeout_seconds=min(settings.parse_timeout_seconds, most),
            memory_bytes=settings.parse_memory_bytes,
            max_file_bytes=settings.max_file_bytes,
        )
        self._pool = ParserPool(1, options)
        # Who waits holds no file in memory.
        self._turn = asyncio.Semaphore(1)

    async def draw(self, version: VersionView, number: int, width: int) -> bytes:
        """A page as a PNG.

        Raises:
            PageMissing, PageNotDrawn, ObjectMissing: as `stages.page_view.draw_page`.
        """
        async with self._turn:
            passwords = self._settings.passwords_for(version.source)
            return await draw_page(self._storage, self._pool, version, number, width, passwords)

    @staticmethod
    def etag(version: VersionView, number: int, width: int) -> str:
        """What changes when the picture may: told without drawing it."""
        what = f"{version.file_sha256} {number} {width} {renderer()}"
        return f'"{sha256(what.encode()).hexdigest()[:32]}"'

    async def close(self) -> None:
        """End the process, and whatever it draws."""
        await self._pool.close()
