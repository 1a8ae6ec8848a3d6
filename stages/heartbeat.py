"""Heartbeat: renews leases while the work under them goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from pipeline.errors import TransientError


@asynccontextmanager
async def renewing(lease: float, renew: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Heartbeat: renew a lease three times in its length, for the time of this block.

    Args:
        lease: seconds.
        renew: a beat that fails for a while is left out; the next one comes.
    """
    heart = asyncio.create_task(_beat(lease, renew))
    try:
        yield
    finally:
        heart.cancel()
        with suppress(asyncio.CancelledError):
            await heart


async def _beat(lease: float, renew: Callable[[], Awaitable[object]]) -> None:
    while True:
        await asyncio.sleep(lease / 3)
        with suppress(TransientError):
            await renew()
