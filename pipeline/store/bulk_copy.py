"""Bulk writes: binary COPY into a temporary table, then one set-based statement.

COPY straight into our tables is refused by row-level security; the temporary table also gives the
write its ON CONFLICT. It lives as long as the pooled connection and is emptied at every commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

_HEAD, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_AT_ONCE = 4_096


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
    driver = await _temporary(connection, table, columns)
    async with driver.cursor() as cursor, cursor.copy(_statement(table, columns)) as copy:
        copy.set_types([kind for _, kind in columns])
        for row in rows:
            await copy.write_row(row)


async def copy_lists(
    connection: AsyncConnection,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[tuple[bytes, ...]],
) -> None:
    """Fill the temporary table `table`, made when missing, with rows of `text` and `bytea`.

    Args:
        columns: (name, type) in the order of the rows' values.
        rows: of bytes as they are stored, text in UTF-8.
    """
    driver = await _temporary(connection, table, columns)
    head = len(columns).to_bytes(2, "big")
    async with driver.cursor() as cursor, cursor.copy(_statement(table, columns)) as copy:
        await copy.write(_HEAD)
        remaining = iter(rows)
        while some := list(islice(remaining, _AT_ONCE)):
            pieces: list[bytes] = []
            for row in some:
                pieces.append(head)
                for value in row:
                    pieces += (len(value).to_bytes(4, "big"), value)
            await copy.write(b"".join(pieces))
        await copy.write(_END)


async def copy_vectors(
    connection: AsyncConnection,
    table: str,
    hashes: Sequence[str],
    users: Sequence[UUID],
    vectors: NDArray[np.float32],
) -> None:
    """Fill the temporary table `table`, made when missing, with hashes, users and vectors.

    Args:
        hashes: SHA-256 in hexadecimal, 64 characters each.
        users: as many.
        vectors: shape (len(hashes), dimension).
    """
    columns = (("sha256", "text"), ("user_id", "uuid"), ("embedding", "vector"))
    driver = await _temporary(connection, table, columns)
    if not hashes:
        return
    async with driver.cursor() as cursor, cursor.copy(_statement(table, columns)) as copy:
        await copy.write(_HEAD + _vector_rows(hashes, users, vectors).tobytes() + _END)


def _vector_rows(
    hashes: Sequence[str], users: Sequence[UUID], vectors: NDArray[np.float32]
) -> NDArray[np.void]:
    """All rows in COPY's binary format: made at once, because one by one costs a third of a run."""
    dimension = vectors.shape[1]
    layout = [
        ("fields", ">i2"), ("hash_bytes", ">i4"), ("hash", "S64"),
        ("user_bytes", ">i4"), ("user", "V16"),
        ("vector_bytes", ">i4"), ("dimension", ">i2"), ("unused", ">i2"),
        ("values", ">f4", (dimension,)),
    ]  # fmt: skip
    rows = np.zeros(len(hashes), dtype=layout)
    rows["fields"], rows["hash_bytes"], rows["vector_bytes"] = 3, 64, 4 + 4 * dimension
    rows["user_bytes"] = 16
    rows["user"] = np.frombuffer(b"".join(user.bytes for user in users), dtype="V16")
    rows["hash"], rows["dimension"], rows["values"] = hashes, dimension, vectors
    return rows


def _statement(table: str, columns: Sequence[tuple[str, str]]) -> str:
    return f"COPY {table} ({', '.join(name for name, _ in columns)}) FROM STDIN (FORMAT BINARY)"


async def _temporary(
    connection: AsyncConnection, table: str, columns: Sequence[tuple[str, str]]
) -> psycopg.AsyncConnection[Any]:
    definition = ", ".join(f"{name} {kind}" for name, kind in columns)
    await connection.execute(
        sa.text(
            f"CREATE TEMP TABLE IF NOT EXISTS {table} ({definition}) "
            "WITH (toast_tuple_target = 8160) ON COMMIT DELETE ROWS"
        )
    )
    return (await connection.get_raw_connection()).driver_connection  # type: ignore[return-value]
