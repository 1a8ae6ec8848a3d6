"""What became of a transaction that kept a paid answer, when its end was not heard."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pipeline.errors import DatabaseUnavailable
from pipeline.store import answers
from pipeline.store.engine import Database

_ID = sa.text("SELECT CAST(pg_current_xact_id() AS text)")


async def test_what_became_of_a_transaction_is_known(store: Database) -> None:
    """Committed, it is not kept again; rolled back, it is; while it lasts nobody can tell."""
    async with store.service() as connection:
        committed = str(await connection.scalar(_ID))
        async with store.service() as other:
            with pytest.raises(DatabaseUnavailable):
                await answers.was_kept(other, committed)
    async with store.service() as connection:
        undone = str(await connection.scalar(_ID))
        await connection.rollback()
    async with store.service() as connection:
        assert await answers.was_kept(connection, committed)
        assert not await answers.was_kept(connection, undone)
