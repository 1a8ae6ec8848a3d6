"""Reads what is kept of one user, table by table, and who worked on it: for the smoke test."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.schema import USER_TABLES

AUDIT = frozenset({"job_events", "access_log", "service_calls", "spending_months"})
"""Tables whose rows outlive the user, without saying anything of them."""

_COUNTS = sa.union_all(
    *(
        sa.select(
            sa.literal(table.name).label("name"),
            sa.func.count().label("rows"),
        )
        .select_from(table)
        .where(table.c.user_id == sa.bindparam("user_id"))
        for table in USER_TABLES
    )
)


async def stored_rows(connection: AsyncConnection, user: UUID) -> dict[str, int]:
    """Rows of a user in each table; reads as the service, or it sees what a reader may."""
    counted = await connection.execute(_COUNTS, {"user_id": user})
    return {row.name: row.rows for row in counted}


@dataclass(frozen=True, slots=True)
class GateSummary:
    """What the gate did for a user: suites run, rows judged, rows refused."""

    suites: int
    evaluated: int
    failed: int


_JUDGED = sa.text(
    """
    SELECT count(DISTINCT suite)::int AS suites, coalesce(sum(evaluated), 0)::int AS evaluated,
           coalesce(sum(failed), 0)::int AS failed
    FROM quality_results WHERE user_id = :user_id AND job_id IS NULL
    """
)


async def gate_summary(connection: AsyncConnection, user: UUID) -> GateSummary:
    """What the gate has judged of a user's batches."""
    [row] = await rows(connection, _JUDGED, {"user_id": user})
    return GateSummary(**row)


_REMOTE = sa.text(
    """
    SELECT count(*) FROM parsed_files
    WHERE user_id = :user_id AND remote_job_id IS NOT NULL
    """
)


async def remote_parses(connection: AsyncConnection, user: UUID) -> int:
    """Files of a user that a service outside has parsed."""
    return int((await connection.execute(_REMOTE, {"user_id": user})).scalar_one())
