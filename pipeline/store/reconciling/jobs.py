"""Queries orphaned jobs: nobody works on them and no sweep takes them up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING
from pipeline.store.engine import Database, records
from pipeline.store.job_owners import OWNED, dead_holders
from pipeline.store.reconciling.paging import pages
from pipeline.store.schema import listed

UNATTENDED_MINUTES = 15
"""A sweep comes every minute."""
LONGEST_HOURS = 6
"""Nothing here postpones a job for more than one hour, or leases one for longer."""

_WORKING = listed(WORKING)


@dataclass(frozen=True, slots=True)
class Unattended:
    """Jobs of a user that wait, and since when the oldest of them does, in minutes."""

    user_id: UUID
    jobs: int
    oldest_minutes: int


_UNATTENDED = sa.text(
    f"""
    SELECT j.user_id, count(*)::int AS jobs,
           (max(extract(epoch FROM now() - j.updated_at)) / 60)::int AS oldest_minutes
    FROM upload_jobs AS j
    WHERE j.state IN ({_WORKING}) AND j.stopped IS NULL
      AND j.updated_at < now() - make_interval(mins => {UNATTENDED_MINUTES})
      AND (j.lease_until IS NULL
           OR j.lease_until < now() - make_interval(mins => {UNATTENDED_MINUTES}))
      AND (j.not_before IS NULL
           OR j.not_before < now() - make_interval(mins => {UNATTENDED_MINUTES}))
      AND NOT {OWNED}
    GROUP BY j.user_id ORDER BY j.user_id
    """
)


async def unattended(connection: AsyncConnection) -> list[Unattended]:
    """By user, jobs that are due and that no sweep has taken up."""
    values = {"dead": await dead_holders(connection)}
    return await records(connection, Unattended, _UNATTENDED, values)


_FAR = f"""
    j.state IN ({_WORKING})
    AND (j.not_before > now() + make_interval(hours => {LONGEST_HOURS})
         OR j.lease_until > now() + make_interval(hours => {LONGEST_HOURS}))
"""
_OUT_OF_SIGHT = sa.text(
    f"""
    SELECT j.id AS key, true AS bad FROM upload_jobs AS j
    WHERE j.id > :after AND {_FAR} ORDER BY j.id LIMIT :most
    """
)
_DUE = sa.text(
    f"""
    WITH ordered AS (
        SELECT j.id FROM upload_jobs AS j
        WHERE j.id = ANY(CAST(:jobs AS uuid[])) AND {_FAR}
        ORDER BY j.id FOR NO KEY UPDATE
    )
    UPDATE upload_jobs AS j SET not_before = NULL,
        lease_until = least(j.lease_until, now() + interval '1 minute')
    FROM ordered WHERE j.id = ordered.id
    """
)


async def out_of_sight(database: Database) -> AsyncIterator[list[UUID]]:
    """Jobs that are postponed or leased far beyond what anything here does, a page at a time."""
    async for page in pages(database, _OUT_OF_SIGHT):
        yield [row["key"] for row in page]


async def make_due(connection: AsyncConnection, jobs: Sequence[UUID]) -> None:
    """Have the jobs due at once; who really holds one renews its lease within a minute."""
    await connection.execute(_DUE, {"jobs": list(jobs)})
