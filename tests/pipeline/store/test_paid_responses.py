"""Keeping a paid answer, and what became of it when the end of its transaction was not heard."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
import sqlalchemy as sa

from pipeline.errors import DatabaseUnavailable
from pipeline.store import paid_responses
from pipeline.store.cost_caps import Reservation
from pipeline.store.engine import Database
from pipeline.store.paid_responses import PaidResponse
from pipeline.store.service_calls import ServiceCall
from tests.pipeline.store.making import SPACE, job_row, new_run, vector
from tests.pipeline.store.test_vector_buffer import chunked, count_missing, ids, reserve

_ID = sa.text("SELECT CAST(pg_current_xact_id() AS text)")


async def test_what_became_of_a_transaction_is_known(store: Database) -> None:
    """Committed, it is not kept again; rolled back, it is; while it lasts nobody can tell."""
    async with store.service() as connection:
        committed = str(await connection.scalar(_ID))
        async with store.service() as other:
            with pytest.raises(DatabaseUnavailable):
                await paid_responses.is_stored(other, committed)
    async with store.service() as connection:
        undone = str(await connection.scalar(_ID))
        await connection.rollback()
    async with store.service() as connection:
        assert await paid_responses.is_stored(connection, committed)
        assert not await paid_responses.is_stored(connection, undone)


async def test_an_answer_is_kept_with_its_bill(store: Database) -> None:
    """Vectors and what they cost stand together, locked in the one order."""
    [job] = await chunked(store, ("a", "b"))
    texts = await reserve(store, ids([job]))
    run = await new_run(store)
    vectors = np.array([vector(text.sha256) for text in texts], dtype=np.float32)
    call = ServiceCall("openai", "embed", "ok", 0.1, tokens=7, cost_usd=Decimal(1), run_id=run)
    shares = [(job.job_id, 7, Decimal(1))]
    async with store.service() as connection:
        paid = PaidResponse(SPACE, texts, vectors, call, shares, Reservation())
        await paid_responses.insert_paid_response(connection, paid)
    assert await count_missing(store, ids([job])) == 0
    row = await job_row(store, job.job_id)
    assert (row["billed_tokens"], row["cost_usd"]) == (7, 1)


async def test_a_transaction_that_a_crash_took_back_was_not_kept(store: Database) -> None:
    """After a crash Postgres counts on from what it had flushed: the number is yet to come."""
    async with store.service() as connection:
        assert not await paid_responses.is_stored(connection, str(2**40 + 1000))
        assert await connection.scalar(sa.text("SELECT 1")) == 1, "the transaction goes on"
