"""Queries published documents without chunks or vectors, and vectors without chunks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import PUBLISHED, JobState
from pipeline.store.engine import Database, rows
from pipeline.store.lock_order import lock_documents
from pipeline.store.reconciling.paging import last, pages
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor, Move, move

_PUBLISHED = listed(PUBLISHED)
_VECTORS_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class DamagedDocument:
    """A published document of which something is missing.

    Attributes:
        promised: chunks that its version was cut into. stored: those that are there.
        lacking: those without a vector in the version's space.
    """

    document_id: UUID
    job_id: UUID
    promised: int
    stored: int
    lacking: int


# One look at each document: a publication that commits meanwhile is seen whole or not at all.
_DAMAGED = sa.text(
    f"""
    WITH page AS (
        SELECT d.id AS key, d.published_job_id FROM documents AS d
        WHERE d.id > :after ORDER BY d.id LIMIT :most
    ), looked AS (
        SELECT p.key, j.id AS job_id, coalesce(j.chunks, 0) AS promised, c.stored, c.lacking
        FROM page AS p
        LEFT JOIN LATERAL (
            SELECT id, space_id, chunks FROM upload_jobs
            WHERE id = p.published_job_id AND state IN ({_PUBLISHED}) OFFSET 0
        ) AS j ON true
        LEFT JOIN LATERAL (
            SELECT count(*)::int AS stored,
                   (count(*) FILTER (WHERE v.chunk_id IS NULL))::int AS lacking
            FROM (SELECT id FROM document_chunks
                  WHERE document_id = p.key AND j.id IS NOT NULL OFFSET 0) AS chunk
            LEFT JOIN LATERAL (
                SELECT chunk_id FROM chunk_vectors
                WHERE space_id = j.space_id AND chunk_id = chunk.id OFFSET 0
            ) AS v ON true
        ) AS c ON true
    )
    SELECT p.*, p.job_id IS NOT NULL AND (p.stored <> p.promised OR p.lacking > 0) AS bad
    FROM looked AS p
    WHERE p.job_id IS NOT NULL AND (p.stored <> p.promised OR p.lacking > 0) OR {last("page")}
    """
)


async def damaged_documents(database: Database) -> AsyncIterator[list[DamagedDocument]]:
    """Published documents without all their chunks or vectors, a page at a time."""
    async for page in pages(database, _DAMAGED):
        yield [
            DamagedDocument(r["key"], r["job_id"], r["promised"], r["stored"], r["lacking"])
            for r in page
        ]


_LOCK = sa.text(
    """
    SELECT d.id FROM documents AS d
    WHERE d.id = ANY(CAST(:documents AS uuid[])) AND d.deleted_at IS NULL
      AND d.latest_job_id = d.published_job_id
    ORDER BY d.id FOR NO KEY UPDATE
    """
)
_JOBS = sa.text(
    f"""
    SELECT j.id, j.state, j.document_id FROM documents AS d
    JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE d.id = ANY(CAST(:documents AS uuid[])) AND j.state IN ({_PUBLISHED})
    ORDER BY j.id FOR NO KEY UPDATE OF j
    """
)


async def retry_jobs(
    connection: AsyncConnection, documents: Sequence[UUID], actor: Actor, why: str
) -> set[UUID]:
    """Have published documents made and published again; readers keep what is there until then.

    Nothing that is still stored is made or paid for again. A document of which newer bytes are on
    their way is left to them.

    Returns:
        The documents that were sent back.
    """
    values = {"documents": sorted(documents)}
    locked = [row["id"] for row in await rows(connection, _LOCK, values)]
    found = await rows(connection, _JOBS, {"documents": locked})
    details = {"why": why}
    away = [
        Move(r["id"], None, JobState(r["state"]), JobState.SUPERSEDED, details=details)
        for r in found
    ]
    again = [
        Move(r["id"], None, JobState.SUPERSEDED, JobState.UPLOADED, details=details) for r in found
    ]
    await move(connection, away, actor)
    moved = await move(connection, again, actor)
    return {row["document_id"] for row in found if row["id"] in moved}


_SPACES = sa.text("SELECT id FROM embedding_spaces ORDER BY id")
_ORPHANS = sa.text(
    f"""
    WITH page AS (
        SELECT chunk_id AS key FROM chunk_vectors
        WHERE space_id = :space AND chunk_id > :after ORDER BY chunk_id LIMIT :most
    )
    SELECT p.key, c.id IS NULL AS bad FROM page AS p
    LEFT JOIN LATERAL (
        SELECT id FROM document_chunks WHERE id = p.key OFFSET 0
    ) AS c ON true
    WHERE c.id IS NULL OR {last("page")}
    """
)
_REMOVE = sa.text(
    """
    WITH orphans AS (
        SELECT v.space_id, v.chunk_id FROM chunk_vectors AS v
        WHERE v.space_id = :space AND v.chunk_id = ANY(CAST(:chunks AS uuid[]))
          AND NOT EXISTS (SELECT FROM document_chunks AS c WHERE c.id = v.chunk_id)
        ORDER BY v.chunk_id FOR UPDATE
    )
    DELETE FROM chunk_vectors AS v USING orphans AS o
    WHERE v.space_id = o.space_id AND v.chunk_id = o.chunk_id
    """
)


async def orphaned_vectors(database: Database) -> AsyncIterator[tuple[UUID, list[UUID]]]:
    """Vectors without a chunk: their space and the chunks that they name, a page at a time."""
    async with database.service() as connection:
        spaces = list((await connection.execute(_SPACES)).scalars())
    for space in spaces:
        async for page in pages(database, _ORPHANS, {"space": space}, size=_VECTORS_AT_ONCE):
            yield space, [row["key"] for row in page]


async def remove_vectors(connection: AsyncConnection, space: UUID, chunks: Sequence[UUID]) -> None:
    """Remove those of the vectors that still have no chunk."""
    # A vector belongs to its chunk's document, whose lock guards it; these belong to none.
    await lock_documents(connection, [])
    await connection.execute(_REMOVE, {"space": space, "chunks": list(chunks)})
