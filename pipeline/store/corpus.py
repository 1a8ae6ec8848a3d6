"""Reads a user's corpus for comparison: what is published, where the rest is, the ledger.

For comparing two corpora row by row: `app.chaos` holds a disturbed one against a clean one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import PUBLISHED
from pipeline.store.engine import records
from pipeline.store.schema import listed

_PUBLISHED = listed(PUBLISHED)


@dataclass(frozen=True, slots=True)
class PublishedChunk:
    """A published chunk: its document's source, its place, the hashes of its text and vector.

    Attributes:
        vector: None when the chunk has no vector.
    """

    source: str
    ordinal: int
    text: str
    start: int
    vector: str | None


_PASSAGES = sa.text(
    """
    SELECT d.source, c.ordinal, c.sha256 AS text, c.start_offset AS start,
           md5(v.embedding::text) AS vector
    FROM document_chunks AS c
    JOIN documents AS d ON d.id = c.document_id
    LEFT JOIN chunk_vectors AS v ON v.chunk_id = c.id
    WHERE d.user_id = :user ORDER BY d.source COLLATE "C", c.ordinal
    """
)


async def passages(connection: AsyncConnection, user: UUID) -> list[PublishedChunk]:
    """Everything of a user that is published, by source and place."""
    return await records(connection, PublishedChunk, _PASSAGES, {"user": user})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a document stands.

    Attributes:
        state: of its newest job.
        published: versions of it that call themselves published.
        submissions: runs that it was part of.
    """

    source: str
    state: str
    error_code: str | None
    stopped: str | None
    published: int
    submissions: int


_STANDINGS = sa.text(
    f"""
    SELECT d.source, j.state, j.error_code, j.stopped,
           (SELECT count(*)::int FROM upload_jobs AS p
            WHERE p.document_id = d.id AND p.state IN ({_PUBLISHED})) AS published,
           (SELECT count(*)::int FROM run_jobs AS r
            WHERE r.job_id = j.id) AS submissions
    FROM documents AS d JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.user_id = :user AND d.deleted_at IS NULL ORDER BY d.source COLLATE "C"
    """
)


async def standings(connection: AsyncConnection, user: UUID) -> list[Standing]:
    """Where each document of a user stands, by source."""
    return await records(connection, Standing, _STANDINGS, {"user": user})


@dataclass(frozen=True, slots=True)
class Ledger:
    """What we wrote down of one user's embedding.

    Attributes:
        requests: that were answered.
        tokens: of those requests.
        billed: the same tokens as they were shared among the documents.
        longest: seconds of the longest request, also of those that came to nothing.
        buffered: rows that a finished ingest should have cleared away.
    """

    requests: int
    tokens: int
    billed: int
    longest: float
    buffered: int


_LEDGER = sa.text(
    """
    SELECT count(*) FILTER (WHERE c.outcome = 'ok')::int AS requests,
           coalesce(sum(c.tokens) FILTER (WHERE c.outcome = 'ok'), 0)::bigint AS tokens,
           (SELECT coalesce(sum(billed_tokens), 0)::bigint FROM upload_jobs
            WHERE user_id = :user) AS billed,
           coalesce(max(c.seconds), 0) AS longest,
           (SELECT count(*)::int FROM document_chunk_buffer WHERE user_id = :user)
         + (SELECT count(*)::int FROM document_vector_buffer WHERE user_id = :user)
           AS buffered
    FROM service_calls AS c JOIN ingest_runs AS r ON r.id = c.run_id
    WHERE r.user_id = :user AND c.operation = 'embed'
    """
)


async def ledger(connection: AsyncConnection, user: UUID) -> Ledger:
    """What a user's embedding has cost, as it was written down."""
    return (await records(connection, Ledger, _LEDGER, {"user": user}))[0]


_NEXT_EVENT = sa.text("SELECT min(at) FROM job_events WHERE user_id = :user AND at > :after")
_EVENTS = sa.text("SELECT count(*) FROM job_events WHERE user_id = :user")


async def next_event(connection: AsyncConnection, user: UUID, after: datetime) -> datetime | None:
    """When the work on a user's documents next went on; None when it did not."""
    found = await connection.scalar(_NEXT_EVENT, {"user": user, "after": after})
    assert found is None or isinstance(found, datetime)
    return found


async def count_events(connection: AsyncConnection, user: UUID) -> int:
    """Steps that a user's documents have made."""
    return int(await connection.scalar(_EVENTS, {"user": user}) or 0)
