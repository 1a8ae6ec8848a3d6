"""Pooled connections that Postgres has closed: after a pause nobody notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from pipeline.errors import DatabaseUnavailable
from pipeline.retry_policy import DATABASE_SECONDS
from pipeline.store import engine
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.database_urls import driver_url
from pipeline.store.engine import Database
from pipeline.store.outages import Outage
from tests.conftest import administer

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


async def test_one_that_was_just_used_is_not_asked_and_nobody_notices_either(
    database: Database, database_url: str
) -> None:
    """What cannot begin, since Postgres has closed its connection, begins on another one."""
    await asyncio.gather(*(_ask(database) for _ in range(3)))
    assert _close_all(database_url) == 3
    assert await asyncio.gather(*(_ask(database) for _ in range(3))) == [1, 1, 1]


async def test_what_was_begun_is_for_the_caller_to_begin_again(
    database: Database, database_url: str
) -> None:
    """A transaction that is broken off says so, as an outage that passes."""
    with pytest.raises(Outage, match="ended the connection") as broken:
        async with database.service() as connection:
            assert _close_all(database_url) == 1
            await connection.execute(sa.text("SELECT 1"))
    assert broken.value.passing
    assert await _ask(database) == 1


async def test_work_that_is_broken_off_is_done_again(database: Database, database_url: str) -> None:
    """Decorated, it comes to its end, and is done once more for each time it was broken off."""
    tries = []

    @retry_on_restart
    async def work() -> int:
        async with database.service() as connection:
            tries.append(1)
            if len(tries) < 3:
                _close_all(database_url)
            return int(await connection.scalar(sa.text("SELECT 7")) or 0)

    assert await work() == 7
    assert len(tries) == 3


async def test_what_does_not_pass_is_not_done_again(database_url: str) -> None:
    """A database that is not there is said at once, however much patience there is."""
    nowhere = Database(f"{database_url}".replace("/navigator_test", "/nowhere"))
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable, match="does not know the database"):
        await _ask(nowhere)
    assert time.monotonic() - began < DATABASE_SECONDS
    await nowhere.close()


@pytest.fixture
def limited_url(database_url: str) -> Iterator[str]:
    """The database for a login that may connect once at a time."""
    url = driver_url(database_url)
    administer(database_url, "CREATE ROLE limited LOGIN PASSWORD 'secret' CONNECTION LIMIT 1")
    administer(database_url, "GRANT navigator_service TO limited")
    yield url.set(username="limited", password="secret").render_as_string(hide_password=False)
    administer(database_url, "DROP ROLE limited")


async def test_too_many_clients_are_waited_for(limited_url: str) -> None:
    """No connection left: one sentence where nobody is patient, else a wait until one is free."""
    other = psycopg.connect(limited_url.replace("+psycopg", ""))
    hasty, patient = Database(limited_url, patience_seconds=0), Database(limited_url)
    with pytest.raises(Outage, match="no connection left") as full:
        await _ask(hasty)
    assert full.value.code == "connections_exhausted"
    waiting = asyncio.create_task(_ask(patient))
    await asyncio.wait([waiting], timeout=0.3)
    assert not waiting.done()
    other.close()
    assert await waiting == 1
    await hasty.close()
    await patient.close()


async def test_an_exhausted_pool_is_waited_for(database_url: str) -> None:
    """All connections of the process are in use: said so where nobody is patient, else a wait."""
    database = Database(database_url, pool_size=1)  # and one more for a burst
    database.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    async with database.service(), database.service():
        database.patience_seconds = 0
        with pytest.raises(Outage, match="in use"):
            await _ask(database)
        database.patience_seconds = DATABASE_SECONDS
        waiting = asyncio.create_task(_ask(database))
        await asyncio.wait([waiting], timeout=0.3)
        assert not waiting.done()
    assert await waiting == 1
    await database.close()
