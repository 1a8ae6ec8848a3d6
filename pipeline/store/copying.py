"""Bulk writes: binary COPY into a temporary table, then one set-based statement.

COPY straight into our tables is refused by row-level security; the temporary table also gives the
write its ON CONFLICT. It lives as long as the pooled connection and is emptied at every commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from pgvector.psycopg import register_vector_async
from sqlalchemy.ext.asyncio import AsyncConnection


async def copy_rows(
    connection: AsyncConnection,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Fill the temporary table `table`, made when missing, with `rows` in binary.

    Args:
        columns: (name, type) in the order of the rows' values.
    """
    definition = ", ".join(f"{name} {kind}" for name, kind in columns)
    await connection.execute(
        sa.text(
            f"CREATE TEMP TABLE IF NOT EXISTS {table} ({definition}) "
            "WITH (toast_tuple_target = 8160) ON COMMIT DELETE ROWS"
        )
    )
    driver: psycopg.AsyncConnection[Any] = (await connection.get_raw_connection()).driver_connection  # type: ignore[assignment]
    if any(kind == "vector" for _, kind in columns):
        await _teach_vectors(driver)
    names = ", ".join(name for name, _ in columns)
    async with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types([kind for _, kind in columns])
        for row in rows:
            await copy.write_row(row)


async def _teach_vectors(driver: psycopg.AsyncConnection[Any]) -> None:
    if driver.adapters.types.get("vector") is None:
        await register_vector_async(driver)
