"""Waiting for one transaction to wait for another, however fast the machine is."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from pipeline.store.engine import Database

_WAITERS = sa.text(
    """
    SELECT count(*) FROM pg_locks AS l LEFT JOIN pg_database AS d ON d.oid = l.database
    WHERE NOT l.granted AND (d.datname IS NULL OR d.datname = current_database())
    """
)


async def until_somebody_waits(database: Database, waiter: asyncio.Task[object]) -> None:
    """Return once a transaction waits for a lock; fail when the task ended without."""
    while not waiter.done():
        async with database.login() as connection:
            if await connection.scalar(_WAITERS):
                return
        await asyncio.sleep(0.02)
    raise AssertionError(f"it waited for nothing: {waiter}")
