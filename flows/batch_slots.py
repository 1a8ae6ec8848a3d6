"""Decides how many batches of a run are under way at once, and how many documents each has.

In this process both are fixed. Handed over, they follow the workers that serve the pool: one gets
what this process would have, several get smaller batches towards the end, and one waiting for each
that runs, so that no worker asks in vain.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger

from flows.batches import BATCH_DOCUMENTS, shared_size
from flows.worker_pool import PoolState, read_pool
from pipeline.settings import Settings

LOOK_SECONDS = 10.0
"""How often the workers are counted while batches wait for a slot."""
_ANSWER_SECONDS = 10.0


class BatchSlots:
    """Slots for the batches of one run."""

    def __init__(self, settings: Settings) -> None:
        self._pool = settings.work_pool
        self._each = settings.concurrency
        self._state = PoolState()
        self._looked: float | None = None
        self._used = 0
        self._freed = asyncio.Event()

    @property
    def places(self) -> int:
        """Batches that are worked on at the same time."""
        places = self._state.workers * self._each
        return min(places, self._state.together or places)

    @property
    def limit(self) -> int:
        """Batches under way: worked on, or next in the queue of several workers."""
        limit = self.places if self._state.workers == 1 else 2 * self.places
        return min(limit, self._state.slots or limit)

    def size(self, documents: int) -> int:
        """Documents of the next batch, of so many that no batch has yet."""
        if self._state.workers == 1:
            return BATCH_DOCUMENTS
        return shared_size(documents, self.places)

    async def take(self) -> None:
        """Wait for a slot and take it."""
        await self.look()
        while self._used >= self.limit:
            self._freed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS if self._pool else None):
                    await self._freed.wait()
            await self.look()
        self._used += 1

    def give_back(self) -> None:
        """Free a slot for the next batch."""
        self._used -= 1
        self._freed.set()

    async def look(self) -> None:
        """Count the workers again after a while; without an answer nothing changes."""
        if self._pool is None:
            return
        if self._looked is not None and time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        before = self._state
        with suppress(Exception):  # whatever it is, the batches say it better
            async with asyncio.timeout(_ANSWER_SECONDS), get_client() as client:
                self._state = await read_pool(client, self._pool)
        if self._state != before:
            get_run_logger().info(
                "%d workers take batches, %d at once", self._state.workers, self.places
            )
