"""Looking behind the API: what stands in its database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pipeline.store.engine import rows
from pipeline.store.schema import SCHEMA
from tests.app.api.serving import RunningApi


def rows_of(api: RunningApi, table: str, user: UUID) -> list[dict[str, Any]]:
    """A user's rows of a table, as the pipeline sees them."""
    query = sa.text(f"SELECT * FROM {SCHEMA}.{table} WHERE user_id = :user")

    async def read() -> list[dict[str, Any]]:
        async with api.parts.database.service() as connection:
            return [dict(row) for row in await rows(connection, query, {"user": user})]

    return api.run(read())
