"""Reads, at one moment, everything that must agree about a user's jobs (invariants).

For checking it after every step of a random history: see `app.chaos.histories`.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records


@dataclass(frozen=True, slots=True)
class Life:
    """One job beside its document and its audit.

    Attributes:
        told: the state that the job's last event tells of.
        buffered: whether chunks of it are on their way.
    """

    job_id: UUID
    document_id: UUID
    state: str
    attempt: int
    claimed_by: str | None
    published_job_id: UUID | None
    latest_job_id: UUID | None
    deleted: bool
    told: str | None
    buffered: bool


_LIVES = sa.text(
    """
    SELECT j.id AS job_id, j.document_id, j.state, j.attempt, j.claimed_by,
           d.published_job_id, d.latest_job_id, d.deleted_at IS NOT NULL AS deleted,
           (SELECT e.to_state FROM job_events AS e WHERE e.job_id = j.id
              AND e.to_state IS NOT NULL ORDER BY e.id DESC LIMIT 1) AS told,
           EXISTS (SELECT FROM document_chunk_buffer AS b
                   WHERE b.job_id = j.id) AS buffered
    FROM upload_jobs AS j JOIN documents AS d ON d.id = j.document_id
    WHERE j.user_id = :user
    """
)


async def lives(connection: AsyncConnection, user: UUID) -> list[Life]:
    """Every job of a user."""
    return await records(connection, Life, _LIVES, {"user": user})


@dataclass(frozen=True, slots=True)
class Readable:
    """What readers see of one document, in order."""

    document_id: UUID
    texts: list[str]
    with_vectors: bool


_READABLE = sa.text(
    """
    SELECT c.document_id, array_agg(c.text ORDER BY c.ordinal) AS texts,
           count(*) = count(v.chunk_id) AS with_vectors
    FROM document_chunks AS c
    LEFT JOIN chunk_vectors AS v ON v.chunk_id = c.id
    WHERE c.user_id = :user GROUP BY c.document_id
    """
)


async def readable(connection: AsyncConnection, user: UUID) -> list[Readable]:
    """Every published document of a user."""
    return await records(connection, Readable, _READABLE, {"user": user})


_VECTORS = sa.text("SELECT count(*) FROM document_vector_buffer WHERE user_id = :user")


async def buffered_vectors(connection: AsyncConnection, user: UUID) -> int:
    """Vectors of a user that are on their way."""
    return int(await connection.scalar(_VECTORS, {"user": user}) or 0)
