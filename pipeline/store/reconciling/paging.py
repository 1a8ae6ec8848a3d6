"""Pages through large tables by key: a transaction a page, one page in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pipeline.store.engine import Database, rows

PAGE = 1000
_FIRST = UUID(int=0)

Row = sa.RowMapping


async def pages(
    database: Database,
    statement: sa.TextClause,
    values: Mapping[str, Any] | None = None,
    *,
    size: int = PAGE,
) -> AsyncIterator[list[Row]]:
    """The rows of a statement that goes through a table by its UUID.

    Args:
        statement: looks at the next `:most` rows whose key is beyond `:after`, and gives the
            damaged ones of them (`bad`) and the last one in any case, each with its `key`.
    """
    after: UUID = _FIRST
    while True:
        async with database.service() as connection:
            found = await rows(
                connection, statement, {**(values or {}), "after": after, "most": size}
            )
        if not found:
            return
        after = max(row["key"] for row in found)
        if bad := [row for row in found if row["bad"]]:
            yield bad


def last(page: str) -> str:
    """The condition that a row is the last of the CTE `page`, which has a `key`."""
    return f"p.key = (SELECT key FROM {page} ORDER BY key DESC LIMIT 1)"
