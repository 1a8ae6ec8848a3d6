"""What a load test reads of the database."""

from __future__ import annotations

from uuid import uuid4

from pipeline.store.engine import Database
from pipeline.store.load_figures import Connections, connections, progress
from tests.pipeline.store.making import ANNA, BEN, open_space, published, register, source


async def test_progress_is_of_the_named_users(database: Database) -> None:
    """Published and waiting jobs of these users are counted, and nobody else's."""
    await open_space(database)
    await published(database, "a.md", "one text")
    await register(database, [source("b.md"), source("c.md")])
    await register(database, [source("d.md")], BEN)
    async with database.service() as connection:
        found = await progress(connection, [ANNA, uuid4()], 60)
        nobody = await progress(connection, [], 60)
    assert (found.accepted, found.published, found.waiting) == (3, 1, 2)
    assert found.p50 == found.p95
    assert found.p50 is not None
    assert found.p50 >= 0
    assert (nobody.accepted, nobody.p50, nobody.cost_usd) == (0, None, 0)


async def test_progress_leaves_out_what_came_before(database: Database) -> None:
    """Jobs that were accepted before the time that is asked for are not counted."""
    await open_space(database)
    await register(database, [source("a.md")])
    async with database.service() as connection:
        assert (await progress(connection, [ANNA], 0)).accepted == 0


async def test_connections_are_counted_without_ones_own(database: Database) -> None:
    """A second session in a transaction is seen, and the one that asks is not."""
    before = await _counted(database)
    async with database.login():
        after = await _counted(database)
    assert (before.idle_in_transaction, after.idle_in_transaction) == (0, 1)
    assert 1 <= after.open < after.most


async def _counted(database: Database) -> Connections:
    # In a transaction of its own: within one, Postgres shows what its first look saw.
    async with database.login() as connection:
        return await connections(connection)
