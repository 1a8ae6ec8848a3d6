"""Keeping what was paid for, whoever is cancelled meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from stages.durable_writes import shielded


async def test_a_cancelled_run_waits_for_what_it_keeps() -> None:
    """What has begun comes to its end, and the cancellation goes on after it."""
    begun, may_end, kept = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def keep() -> None:
        begun.set()
        await may_end.wait()
        kept.set()

    task = asyncio.create_task(shielded(keep()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kept.is_set()
