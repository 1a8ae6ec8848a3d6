"""Vectors of published chunks in a space that is filled beside the one that they came in.

What is bought is reserved in the vector buffer as for an ingest, so that no text is bought twice;
the answer goes straight to the published chunks, in the transaction that writes down its bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.vector_buffer import PendingText, chunks_to_embed
from pipeline.store.vector_owners import lenders, owner, owning

CHUNKS_OF_DOCUMENTS = """
    unnest(CAST(:documents AS uuid[])) AS wanted(document_id)
    JOIN LATERAL (
        SELECT id, published_job_id FROM documents
        WHERE id = wanted.document_id AND deleted_at IS NULL AND published_job_id IS NOT NULL
        OFFSET 0
    ) AS d ON true
    JOIN LATERAL (
        SELECT d.published_job_id AS job_id, own.* FROM document_chunks AS own
        WHERE own.document_id = d.id OFFSET 0
    ) AS b ON true
"""
"""FROM: the published chunks `b` of `:documents`, by index."""

PUBLISHED = chunks_to_embed("documents", CHUNKS_OF_DOCUMENTS)
"""The published chunks of documents."""

# As the vectors' foreign keys would, but in the lock order and by key.
_HOLD_CHUNKS = sa.text(
    """
    SELECT id FROM document_chunks WHERE document_id = ANY(CAST(:documents AS uuid[]))
    ORDER BY id FOR KEY SHARE
    """
)

# What the owner has already for the same text: of a twin, or bought by an ingest on its way.
_LEND = sa.text(
    f"""
    INSERT INTO chunk_vectors (space_id, chunk_id, user_id, sha256, embedding)
    SELECT :space, b.id, b.user_id, b.sha256, coalesce(v.embedding, w.embedding)
    FROM {CHUNKS_OF_DOCUMENTS}
    LEFT JOIN LATERAL (
        SELECT chunk_id FROM chunk_vectors
        WHERE space_id = :space AND chunk_id = b.id OFFSET 0
    ) AS has ON true
    LEFT JOIN LATERAL (
        SELECT (array_agg(embedding))[1] AS embedding FROM chunk_vectors AS other
        WHERE has.chunk_id IS NULL AND other.space_id = :space AND other.sha256 = b.sha256
          AND other.user_id {lenders("b")}
    ) AS v ON true
    LEFT JOIN LATERAL (
        SELECT embedding FROM document_vector_buffer
        WHERE has.chunk_id IS NULL AND space_id = :space AND sha256 = b.sha256
          AND user_id = {owner("b")} AND embedding IS NOT NULL OFFSET 0
    ) AS w ON true
    WHERE has.chunk_id IS NULL AND coalesce(v.embedding, w.embedding) IS NOT NULL
    ORDER BY b.id ON CONFLICT DO NOTHING
    """
)


async def lend(
    connection: AsyncConnection, space_id: UUID, documents: Sequence[UUID], *, shared: bool
) -> None:
    """Give chunks the vectors that their owner has for the same text.

    In a transaction that has locked the documents.
    """
    values = {"space": space_id, "documents": list(documents), **owning(shared=shared)}
    await connection.execute(_HOLD_CHUNKS, values)
    await connection.execute(_LEND, values)


# Of the documents that the texts were taken from: whoever else has the same text is lent it.
_INSERT = sa.text(
    f"""
    INSERT INTO chunk_vectors (space_id, chunk_id, user_id, sha256, embedding)
    SELECT :space, b.id, b.user_id, b.sha256, i.embedding
    FROM {CHUNKS_OF_DOCUMENTS}
    JOIN incoming_vectors AS i ON i.sha256 = b.sha256 AND i.user_id = {owner("b")}
    ORDER BY b.id ON CONFLICT DO NOTHING
    """
)
_UNRESERVE = sa.text(
    """
    WITH answered AS (
        SELECT space_id, sha256, user_id FROM document_vector_buffer
        WHERE space_id = :space AND sha256 = ANY(:shas) AND embedding IS NULL
          AND (sha256, user_id) IN
              (SELECT * FROM unnest(CAST(:shas AS text[]), CAST(:owners AS uuid[])))
        ORDER BY sha256, user_id FOR UPDATE
    )
    DELETE FROM document_vector_buffer AS w USING answered AS a
    WHERE w.space_id = a.space_id AND w.sha256 = a.sha256 AND w.user_id = a.user_id
    """
)


async def insert_staged(
    connection: AsyncConnection,
    space_id: UUID,
    documents: Sequence[UUID],
    texts: Sequence[PendingText],
) -> int:
    """Insert staged vectors for the published chunks with these texts, and end the reservations.

    In a transaction that has locked the documents.

    Returns:
        How many reservations ended.
    """
    shared = any(text.shared for text in texts)
    values = {"space": space_id, "documents": list(documents), **owning(shared=shared)}
    await connection.execute(_HOLD_CHUNKS, values)
    await connection.execute(_INSERT, values)
    return await unreserve(connection, space_id, texts)


async def unreserve(
    connection: AsyncConnection, space_id: UUID, texts: Sequence[PendingText]
) -> int:
    """End the reservations of texts whose vectors have gone where they belong; how many."""
    held = {"shas": [text.sha256 for text in texts], "owners": [text.owner_id for text in texts]}
    return (await connection.execute(_UNRESERVE, {"space": space_id, **held})).rowcount


_HELD = sa.text(
    f"""
    SELECT EXISTS (
        SELECT FROM {CHUNKS_OF_DOCUMENTS}
        JOIN LATERAL (
            SELECT FROM document_vector_buffer
            WHERE space_id = :space AND sha256 = b.sha256 AND user_id = {owner("b")}
              AND embedding IS NULL AND lease_until > now() OFFSET 0
        ) AS w ON true
    )
    """
)


async def in_flight(
    connection: AsyncConnection, space_id: UUID, documents: Sequence[UUID], *, shared: bool
) -> bool:
    """Whether somebody has a request under way for a text of these documents."""
    values = {"space": space_id, "documents": list(documents), **owning(shared=shared)}
    return bool(await connection.scalar(_HELD, values))


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a space lacks, as it would be bought: each text of an owner once.

    Attributes:
        documents: published ones without all their vectors. longest: tokens of the longest text.
    """

    documents: int
    texts: int
    tokens: int
    longest: int


_LACKING = sa.text(
    f"""
    WITH lacking AS (
        SELECT b.document_id, b.sha256, {owner("b")} AS owner_id, b.tokens
        FROM document_chunks AS b JOIN documents AS d ON d.id = b.document_id
        LEFT JOIN chunk_vectors AS own ON own.space_id = :space AND own.chunk_id = b.id
        WHERE own.chunk_id IS NULL AND d.deleted_at IS NULL
    ), bought AS (
        SELECT DISTINCT ON (sha256, owner_id) b.sha256, b.tokens FROM lacking AS b
        WHERE NOT EXISTS (
            SELECT FROM chunk_vectors AS v WHERE v.space_id = :space AND v.sha256 = b.sha256
              AND v.user_id BETWEEN b.owner_id AND coalesce(CAST(:last AS uuid), b.owner_id))
    )
    SELECT (SELECT count(DISTINCT document_id) FROM lacking)::int AS documents,
           count(*)::int AS texts, coalesce(sum(tokens), 0)::bigint AS tokens,
           coalesce(max(tokens), 0)::int AS longest FROM bought
    """
)


async def lacking(connection: AsyncConnection, space_id: UUID, *, shared: bool) -> Lacking:
    """What a space lacks now; everything, when it is not there yet."""
    values = {"space": space_id, **owning(shared=shared)}
    (row,) = await rows(connection, _LACKING, values)
    return Lacking(**row)
