"""Prefect's own floor for batch size 1: async subflows that do nothing, as many at once."""

from __future__ import annotations

import asyncio
import time


async def measure(count: int, concurrency: int, tasks: int) -> dict[str, float]:
    """Run `count` empty subflows under one parent; seconds from call to end.

    Args:
        tasks: that do nothing, one after the other in each subflow.
    """
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE

    @task(name="nothing", cache_policy=NO_CACHE)
    async def nothing() -> None:
        """Nothing."""

    @flow(name="empty-subflow", persist_result=False)
    async def empty(number: int) -> None:
        """Nothing but its tasks."""
        for _ in range(tasks):
            await nothing()

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
