"""Reads job events in the order in which they are to be told (an outbox). Read only.

An event's id is given before its transaction commits, so that events of different jobs can become
visible out of order. Those of one job cannot: each is written while the job's row is locked.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records, rows

PAGE = 500
"""Events read at once, at most."""


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One line of the audit of a job.

    Attributes:
        age: seconds since it was written, all by the database's clock.
    """

    id: int
    at: datetime
    age: float
    job_id: UUID
    document_id: UUID | None
    correlation_id: UUID | None
    event: str
    from_state: str | None
    to_state: str | None
    attempt: int | None
    actor: str
    details: dict[str, Any]


_COLUMNS = """
    id, at, extract(epoch FROM clock_timestamp() - at)::float AS age, job_id, document_id,
    correlation_id, event, from_state, to_state, attempt, actor, details
"""
_OF_JOB = sa.text(
    f"""
    SELECT {_COLUMNS} FROM job_events
    WHERE job_id = :job AND id > :after ORDER BY id LIMIT :limit
    """
)
_OF_DOCUMENT = sa.text(
    f"SELECT {_COLUMNS} FROM job_events WHERE document_id = :document ORDER BY id"
)
_UNSEEN = sa.text(
    f"""
    SELECT {_COLUMNS} FROM job_events
    WHERE id > :floor AND id <> ALL(CAST(:seen AS bigint[])) AND job_id IS NOT NULL
    ORDER BY id LIMIT :limit
    """
)


async def of_job(
    connection: AsyncConnection, job_id: UUID, after: int = 0, limit: int = PAGE
) -> list[JobEvent]:
    """The events of a job after one of them, oldest first."""
    values = {"job": job_id, "after": after, "limit": limit}
    return await records(connection, JobEvent, _OF_JOB, values)


async def of_document(connection: AsyncConnection, document: UUID) -> list[JobEvent]:
    """The events of all versions of a document, oldest first."""
    return await records(connection, JobEvent, _OF_DOCUMENT, {"document": document})


async def unseen(
    connection: AsyncConnection, floor: int, seen: Collection[int], limit: int = PAGE
) -> list[JobEvent]:
    """Events of all jobs that the role may see, above the floor and not among those seen."""
    values = {"floor": floor, "seen": list(seen), "limit": limit}
    return await records(connection, JobEvent, _UNSEEN, values)


# How far back of an id its window is looked for: bounds the scan, not the time.
_LOOK_BACK = 100_000
_FLOOR = sa.text(
    f"""
    SELECT coalesce(min(id) - 1, least(:last, coalesce((SELECT max(id) FROM job_events),
                                                       0)))
    FROM job_events
    WHERE id <= :last AND id > :last - {_LOOK_BACK}
      AND at >= (SELECT coalesce(max(at), now()) FROM job_events WHERE id <= :last
                 AND id > :last - {_LOOK_BACK}) - make_interval(secs => :seconds)
    """
)
_NEWEST = sa.text("SELECT coalesce(max(id), 0) FROM job_events")


async def floor_before(connection: AsyncConnection, last: int, seconds: float) -> int:
    """Below which id nothing can be missing for who saw `last`, when none took longer to commit."""
    return int(await connection.scalar(_FLOOR, {"last": last, "seconds": seconds}) or 0)


async def newest(connection: AsyncConnection) -> int:
    """The highest id that the role may see."""
    return int(await connection.scalar(_NEWEST) or 0)


_PULSE = sa.text(
    """
    SELECT user_id, count(*) AS events, max(id) AS newest FROM job_events
    WHERE id > :mark GROUP BY user_id
    """
)


async def pulse(connection: AsyncConnection, mark: int) -> dict[UUID, tuple[int, int]]:
    """Whose events above the high-water mark there are: how many, and the newest of them."""
    found = await rows(connection, _PULSE, {"mark": mark})
    return {row["user_id"]: (row["events"], row["newest"]) for row in found}
