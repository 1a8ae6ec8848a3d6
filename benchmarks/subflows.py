"""Prefect's own floor for batch size 1: async subflows that do nothing, as many at once."""

from __future__ import annotations

import asyncio
import time


async def measure(count: int, concurrency: int) -> dict[str, float]:
    """Run `count` empty subflows under one parent; seconds from call to end."""
    from prefect import flow

    @flow(name="empty-subflow", persist_result=False)
    async def empty(number: int) -> None:
        """Nothing."""

    @flow(name="empty-parent", persist_result=False)
    async def parent() -> None:
        slots = asyncio.Semaphore(concurrency)

        async def one(number: int) -> None:
            async with slots:
                await empty(number)

        await asyncio.gather(*(one(number) for number in range(count)))

    started = time.perf_counter()
    await parent()
    return {"seconds": time.perf_counter() - started, "subflows": count}
