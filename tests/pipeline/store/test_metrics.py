"""Figures for monitoring: the ledger of calls is added up once, and nothing in it is lost."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.store import metrics, service_calls
from pipeline.store.engine import Database
from pipeline.store.metrics import CallTotals
from pipeline.store.schema import SCHEMA
from pipeline.store.service_calls import ServiceCall

KEY = ("llamaparse", "parse", "ok")


async def test_settled_and_fresh_calls_add_up(database: Database) -> None:
    """Older calls are kept as sums, later ones are added, at every reading the same."""
    totals = CallTotals()
    async with database.service() as connection:
        for seconds in (0.2, 3.0):
            await service_calls.record(connection, ServiceCall(*KEY, seconds, tokens=5))
        await connection.execute(
            sa.text(f"UPDATE {SCHEMA}.service_calls SET at = at - interval '5 minutes'")
        )
    async with database.service() as connection:
        await service_calls.record(connection, ServiceCall(*KEY, 70.0, tokens=1))
        first = await totals.read(connection)
        assert await totals.read(connection) == first
        assert (first[KEY]["number"], first[KEY]["tokens"]) == (3, 11)
        assert first[KEY]["seconds"] == 73.2
        # at most 0.25 s, 5 s, 60 s, 300 s
        assert [first[KEY][f"b{index}"] for index in (2, 6, 9, 10)] == [1, 2, 2, 3]
        await connection.execute(
            sa.text(f"UPDATE {SCHEMA}.service_calls SET at = at - interval '5 minutes'")
        )
        await service_calls.record(connection, ServiceCall(*KEY, 1.0))
        assert (await totals.read(connection))[KEY]["number"] == 4
        assert (await CallTotals().read(connection))[KEY]["number"] == 4


async def test_an_empty_database_has_figures_too(database: Database) -> None:
    """Nothing waits, nothing failed, nothing is old."""
    async with database.service() as connection:
        found = await metrics.figures(connection)
        assert await CallTotals().read(connection) == {}
        assert await metrics.circuits(connection) == []
    assert (found.queue["waiting"], found.queue["oldest"]) == (0, 0)
    assert found.documents == {}
