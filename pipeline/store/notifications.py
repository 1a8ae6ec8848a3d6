"""Notifies processes of news through Postgres (LISTEN/NOTIFY); news are hints, never the truth.

A notification is lost when nobody listens, when the connection breaks, and behind a pooler that
hands out connections by transaction; so whoever waits also looks by itself from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql

from pipeline.store.engine import Database
from pipeline.store.session_timeouts import LASTING

PARSE_CHANNEL = "navigator_parse"
"""Payload: the id of a job at the remote parser that has ended."""

_RECONNECT_SECONDS = (0.5, 30.0)


class News:
    """Wakes whoever waits for a word on one channel. One event loop.

    Connects when the first one waits; without a connection nobody is woken, and nothing fails.
    """

    def __init__(self, database: Database, channel: str) -> None:
        self._url = database.engine.url.set(drivername="postgresql")
        self._channel = channel
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._listening: asyncio.Task[None] | None = None

    @contextmanager
    def about(self, word: str) -> Iterator[asyncio.Event]:
        """An event that is set at each word of this, until the end of the block."""
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        event = asyncio.Event()
        self._waiting.setdefault(word, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[word].discard(event)
            if not self._waiting[word]:
                del self._waiting[word]

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None

    async def _listen(self) -> None:
        pause, longest = _RECONNECT_SECONDS
        while True:
            with suppress(psycopg.Error, OSError):
                async with await self._connect() as connection:
                    pause = _RECONNECT_SECONDS[0]
                    # Something may have been said before we listened.
                    self._wake(list(self._waiting))
                    async for note in connection.notifies():
                        self._wake([note.payload])
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        connection = await psycopg.AsyncConnection.connect(
            self._url.render_as_string(hide_password=False),
            autocommit=True,
            **LASTING | {"application_name": "insurance-navigator news"},
        )
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        return connection

    def _wake(self, words: list[str]) -> None:
        for word in words:
            for event in self._waiting.get(word, ()):
                event.set()


async def news_or_pause(news: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until there is news; whether there was."""
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return False
    news.clear()
    return True
