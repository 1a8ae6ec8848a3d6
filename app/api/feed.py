"""Feeds all watchers from one query, which reads events above a high-water mark.

While somebody watches it asks whose events are new, and wakes those. Who is woken reads for
itself, in a transaction that row-level security binds: the feed hands out no event.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from app.api.problems import ApiProblem
from pipeline.errors import TransientError
from pipeline.logs import logger
from pipeline.store import events
from pipeline.store.engine import Database

POLL_SECONDS = 0.25
SETTLED_SECONDS = 30.0
"""An event that took longer than this to commit may be told late, at a later event."""
WATCHERS_OF_A_USER = 32
_LOG = logger("navigator.feed")


class TooManyWatchers(ApiProblem):
    """A user has too many streams open."""

    status = 429
    code = "too_many_streams"
    remedy = "Close some of them first; one stream tells of all jobs."


class Watcher:
    """A watcher that waits for events.

    Attributes:
        user: whose events; None for everybody's.
    """

    def __init__(self, user: UUID | None) -> None:
        self.user = user
        self.news = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until there is news, or so long; it may come to nothing."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.news.wait()
        self.news.clear()


class EventFeed:
    """Feeds watchers: polls once for all of them, and not at all while there are none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: set[Watcher] = set()
        self._numbers: Counter[UUID] = Counter()
        self._polling: asyncio.Task[None] | None = None

    def require_room(self, caller: UUID) -> None:
        """Make sure that a caller may watch once more.

        Raises:
            TooManyWatchers: they watch often enough.
        """
        if self._numbers[caller] >= WATCHERS_OF_A_USER:
            raise TooManyWatchers(f"A user may have {WATCHERS_OF_A_USER} streams open at once.")

    @contextmanager
    def watching(self, caller: UUID, user: UUID | None) -> Iterator[Watcher]:
        """Be woken until the end of the block."""
        watcher = Watcher(user)
        self._watchers.add(watcher)
        self._numbers[caller] += 1
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            self._numbers -= Counter([caller])

    async def close(self) -> None:
        """Stop asking."""
        if self._polling is not None:
            self._polling.cancel()
            with suppress(asyncio.CancelledError):
                await self._polling

    async def _poll(self) -> None:
        high_water_mark: int | None = None
        before: dict[UUID, tuple[int, int]] = {}
        # What was newest when: what was newest half a minute ago is settled.
        past: deque[tuple[float, int]] = deque()
        while self._watchers:
            try:
                async with self._database.service() as connection:
                    if high_water_mark is None:
                        newest = await events.newest(connection)
                        high_water_mark = await events.floor_before(
                            connection, newest, SETTLED_SECONDS
                        )
                    now = await events.pulse(connection, high_water_mark)
            except TransientError as error:
                _LOG.warning("feed_interrupted", reason=error.message)
                await asyncio.sleep(1)
                continue
            self._wake({user for user, pulse in now.items() if before.get(user) != pulse})
            newest = max((pulse[1] for pulse in now.values()), default=high_water_mark)
            past.append((time.monotonic(), newest))
            settled = time.monotonic() - SETTLED_SECONDS
            while past and past[0][0] < settled:
                high_water_mark = max(high_water_mark, past.popleft()[1])
            before = now
            await asyncio.sleep(POLL_SECONDS)

    def _wake(self, users: set[UUID]) -> None:
        for watcher in self._watchers:
            if (watcher.user is None and users) or watcher.user in users:
                watcher.news.set()
