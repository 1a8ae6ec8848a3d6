"""Pooled connections that Postgres has closed: after a pause nobody notices."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
import sqlalchemy as sa

from pipeline.errors import DatabaseUnavailable
from pipeline.store import engine
from pipeline.store.engine import Database

_OURS = "application_name = 'insurance-navigator' AND datname = current_database()"


def _close_all(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        closed = connection.execute(
            f"SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE {_OURS}"
        ).fetchone()
    assert closed is not None
    return int(closed[0])


async def _ask(database: Database) -> int:
    async with database.service() as connection:
        return int(await connection.scalar(sa.text("SELECT 1 FROM pg_sleep(0.05)")) or 0)


async def test_an_idle_connection_is_asked_before_it_is_used(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres was restarted while nothing happened: all of the pool is opened anew."""
    monkeypatch.setattr(engine, "_TRUSTED_SECONDS", 0.05)
    await asyncio.gather(*(_ask(database) for _ in range(3)))
    assert _close_all(database_url) == 3
    await asyncio.sleep(0.1)
    assert await asyncio.gather(*(_ask(database) for _ in range(3))) == [1, 1, 1]


async def test_one_that_was_just_used_is_trusted_and_the_next_try_is_on_a_new_one(
    database: Database, database_url: str
) -> None:
    """The trouble is one that is tried again, and it takes the pool's other connections along."""
    await asyncio.gather(*(_ask(database) for _ in range(3)))
    assert _close_all(database_url) == 3
    with pytest.raises(DatabaseUnavailable, match="gave up the connection"):
        await _ask(database)
    assert await asyncio.gather(*(_ask(database) for _ in range(3))) == [1, 1, 1]
