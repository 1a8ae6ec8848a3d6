"""Failures that a person knows of."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.states import JobState
from pipeline.store.acknowledging import acknowledge
from pipeline.store.engine import Database
from pipeline.store.runs import run_documents
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor
from tests.pipeline.store.test_job_owners import taken_in

WHO = Actor("person")


async def test_only_a_failure_is_acknowledged_and_only_that_one(store: Database) -> None:
    """A document on its way is left as it is; one that fails again later is news."""
    run, [failed, waits] = await taken_in(store, ["a.md", "b.md"])
    fail = sa.text(
        f"UPDATE {SCHEMA}.upload_jobs SET state = :state, finished_at = clock_timestamp() "
        "WHERE id = :id"
    )
    values = {"state": JobState.FAILED_PARSE.value, "id": failed}
    async with store.service() as connection:
        await connection.execute(fail, values)
    async with store.service() as connection:
        assert await acknowledge(connection, [failed, waits], WHO) == {failed}
    async with store.service() as connection:
        known = {each.job_id: each.acknowledged for each in await run_documents(connection, run)}
        told = await connection.scalar(
            sa.text(f"SELECT actor FROM {SCHEMA}.job_events WHERE event = 'acknowledged'")
        )
    assert known == {failed: True, waits: False}
    assert told == "person"
    async with store.service() as connection:
        await connection.execute(fail, values)
    async with store.service() as connection:
        assert not any(each.acknowledged for each in await run_documents(connection, run))
