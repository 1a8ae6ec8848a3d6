"""Vectors of a recipe's chunks: what is there for the same text is lent, the rest is bought once.

Reserved in the vector buffer as for an ingest; an answer goes straight to the recipe's chunks, in
the transaction that writes down its bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.lock_order import lock_documents
from pipeline.store.space_vectors import Lacking, unreserve
from pipeline.store.vector_buffer import ChunksToEmbed, PendingText, chunks_to_embed
from pipeline.store.vector_owners import lenders, owner, owning


def _chunks(recipe: UUID) -> str:
    """FROM: the chunks `b` of a recipe of `:documents` that nothing has a vector for."""
    return f"""
        unnest(CAST(:documents AS uuid[])) AS wanted(document_id)
        JOIN LATERAL (
            SELECT r.job_id, own.* FROM recipe_documents AS r
            JOIN recipe_chunks AS own
              ON own.recipe_id = r.recipe_id AND own.document_id = r.document_id
            WHERE r.recipe_id = '{recipe}' AND r.document_id = wanted.document_id
              AND NOT EXISTS (
                  SELECT FROM recipe_vectors AS v WHERE v.space_id = :space
                    AND v.sha256 = own.sha256 AND v.user_id {lenders("own")})
            OFFSET 0
        ) AS b ON true
    """


@cache
def of_recipe(recipe: UUID) -> ChunksToEmbed:
    """The chunks of a recipe, by their documents."""
    return chunks_to_embed("documents", _chunks(recipe))


# As the vectors' foreign keys would, but in the lock order and by key.
_HOLD_CHUNKS = sa.text(
    """
    SELECT id FROM recipe_chunks
    WHERE recipe_id = :recipe AND document_id = ANY(CAST(:documents AS uuid[]))
    ORDER BY id FOR KEY SHARE
    """
)

# Of a published chunk, of another recipe, or bought by an ingest on its way.
_LEND = sa.text(
    f"""
    INSERT INTO recipe_vectors (recipe_id, space_id, chunk_id, user_id, sha256, embedding)
    SELECT b.recipe_id, :space, b.id, b.user_id, b.sha256,
           coalesce(v.embedding, o.embedding, w.embedding)
    FROM unnest(CAST(:documents AS uuid[])) AS wanted(document_id)
    JOIN LATERAL (
        SELECT * FROM recipe_chunks AS own
        WHERE own.recipe_id = :recipe AND own.document_id = wanted.document_id
          AND NOT EXISTS (SELECT FROM recipe_vectors AS has WHERE has.recipe_id = own.recipe_id
                            AND has.space_id = :space AND has.chunk_id = own.id)
        OFFSET 0
    ) AS b ON true
    LEFT JOIN LATERAL (
        SELECT (array_agg(embedding))[1] AS embedding FROM chunk_vectors AS other
        WHERE other.space_id = :space AND other.sha256 = b.sha256
          AND other.user_id {lenders("b")}
    ) AS v ON true
    LEFT JOIN LATERAL (
        SELECT (array_agg(embedding))[1] AS embedding FROM recipe_vectors AS other
        WHERE v.embedding IS NULL AND other.space_id = :space AND other.sha256 = b.sha256
          AND other.user_id {lenders("b")}
    ) AS o ON true
    LEFT JOIN LATERAL (
        SELECT embedding FROM document_vector_buffer
        WHERE space_id = :space AND sha256 = b.sha256 AND user_id = {owner("b")}
          AND embedding IS NOT NULL OFFSET 0
    ) AS w ON true
    WHERE coalesce(v.embedding, o.embedding, w.embedding) IS NOT NULL
    ORDER BY b.id ON CONFLICT DO NOTHING
    """
)


async def lend(
    connection: AsyncConnection,
    recipe: UUID,
    space_id: UUID,
    documents: Sequence[UUID],
    *,
    shared: bool,
) -> None:
    """Give a recipe's chunks the vectors that their owner has for the same text.

    In a transaction that has locked the documents.
    """
    values = {"recipe": recipe, "space": space_id, "documents": list(documents)}
    await connection.execute(_HOLD_CHUNKS, values)
    await connection.execute(_LEND, values | owning(shared=shared))


_INSERT = sa.text(
    f"""
    INSERT INTO recipe_vectors (recipe_id, space_id, chunk_id, user_id, sha256, embedding)
    SELECT b.recipe_id, :space, b.id, b.user_id, b.sha256, i.embedding
    FROM unnest(CAST(:documents AS uuid[])) AS wanted(document_id)
    JOIN LATERAL (
        SELECT * FROM recipe_chunks AS own
        WHERE own.recipe_id = :recipe AND own.document_id = wanted.document_id OFFSET 0
    ) AS b ON true
    JOIN incoming_vectors AS i ON i.sha256 = b.sha256 AND i.user_id = {owner("b")}
    ORDER BY b.id ON CONFLICT DO NOTHING
    """
)


async def insert_staged(
    connection: AsyncConnection,
    recipe: UUID,
    space_id: UUID,
    documents: Sequence[UUID],
    texts: Sequence[PendingText],
) -> int:
    """Insert staged vectors for a recipe's chunks with these texts, and end the reservations.

    In a transaction that has locked the documents.

    Returns:
        How many reservations ended.
    """
    shared = any(text.shared for text in texts)
    values = {"recipe": recipe, "space": space_id, "documents": list(documents)}
    await connection.execute(_HOLD_CHUNKS, values)
    await connection.execute(_INSERT, values | owning(shared=shared))
    return await unreserve(connection, space_id, texts)


_INCOMPLETE = sa.text(
    """
    SELECT r.document_id FROM recipe_documents AS r
    JOIN documents AS d ON d.id = r.document_id AND d.published_job_id = r.job_id
    WHERE r.recipe_id = :recipe AND r.document_id > :after AND r.refused IS NULL
      AND d.deleted_at IS NULL AND EXISTS (
        SELECT FROM recipe_chunks AS c
        WHERE c.recipe_id = r.recipe_id AND c.document_id = r.document_id AND NOT EXISTS (
            SELECT FROM recipe_vectors AS v
            WHERE v.recipe_id = c.recipe_id AND v.space_id = :space AND v.chunk_id = c.id))
    ORDER BY r.document_id LIMIT :most
    """
)


async def incomplete(
    connection: AsyncConnection, recipe: UUID, space_id: UUID, after: UUID, most: int
) -> list[UUID]:
    """The next documents of a recipe that lack a vector in the space, by id."""
    values = {"recipe": recipe, "space": space_id, "after": after, "most": most}
    return list((await connection.execute(_INCOMPLETE, values)).scalars())


_OTHERS = sa.text(
    f"""
    SELECT EXISTS (
        SELECT FROM unnest(CAST(:documents AS uuid[])) AS wanted(document_id)
        JOIN recipe_chunks AS b ON b.recipe_id = :recipe AND b.document_id = wanted.document_id
        JOIN document_vector_buffer AS w ON w.space_id = :space AND w.sha256 = b.sha256
          AND w.user_id = {owner("b")} AND w.embedding IS NULL AND w.lease_until > now()
    )
    """
)


async def in_flight(
    connection: AsyncConnection,
    recipe: UUID,
    space_id: UUID,
    documents: Sequence[UUID],
    *,
    shared: bool,
) -> bool:
    """Whether somebody has a request under way for a text of these documents."""
    values = {"recipe": recipe, "space": space_id, "documents": list(documents)}
    return bool(await connection.scalar(_OTHERS, values | owning(shared=shared)))


_LACKING = sa.text(
    f"""
    WITH lacking AS (
        SELECT c.document_id, c.sha256, {owner("c")} AS owner_id, c.user_id, c.tokens
        FROM recipe_chunks AS c
        WHERE c.recipe_id = :recipe AND NOT EXISTS (
            SELECT FROM recipe_vectors AS v
            WHERE v.space_id = :space AND v.sha256 = c.sha256 AND v.user_id {lenders("c")})
    ), bought AS (
        SELECT DISTINCT ON (sha256, owner_id) b.tokens FROM lacking AS b
        WHERE NOT EXISTS (
            SELECT FROM chunk_vectors AS v WHERE v.space_id = :space AND v.sha256 = b.sha256
              AND v.user_id {lenders("b")})
    )
    SELECT (SELECT count(DISTINCT document_id) FROM lacking)::int AS documents,
           count(*)::int AS texts, coalesce(sum(tokens), 0)::bigint AS tokens,
           coalesce(max(tokens), 0)::int AS longest FROM bought
    """
)


async def lacking(
    connection: AsyncConnection, recipe: UUID, space_id: UUID, *, shared: bool
) -> Lacking:
    """What would be bought for what a recipe has cut."""
    values = {"recipe": recipe, "space": space_id, **owning(shared=shared)}
    (row,) = await rows(connection, _LACKING, values)
    return Lacking(**row)


_KNOWN = sa.text(
    f"""
    SELECT DISTINCT v.sha256
    FROM (SELECT CAST(:user AS uuid) AS user_id) AS b
    JOIN recipe_vectors AS v ON v.space_id = :space AND v.sha256 = ANY(CAST(:shas AS text[]))
      AND v.user_id {lenders("b")}
    """
)


async def known(
    connection: AsyncConnection, shas: Sequence[str], space_id: UUID, user: UUID, *, shared: bool
) -> set[str]:
    """Those of the texts, by hash, for which a recipe has a vector of the user's."""
    values = {"shas": list(shas), "space": space_id, "user": user, **owning(shared=shared)}
    return set((await connection.execute(_KNOWN, values)).scalars())


_IN_SPACE = sa.text(
    """
    SELECT DISTINCT c.document_id FROM recipe_chunks AS c
    WHERE EXISTS (SELECT FROM recipe_vectors AS v WHERE v.recipe_id = c.recipe_id
                    AND v.space_id = :space AND v.chunk_id = c.id)
    ORDER BY c.document_id LIMIT 500
    """
)
_FORGET_SPACE = sa.text(
    """
    DELETE FROM recipe_vectors AS v USING recipe_chunks AS c
    WHERE v.space_id = :space AND c.recipe_id = v.recipe_id AND c.id = v.chunk_id
      AND c.document_id = ANY(CAST(:documents AS uuid[]))
    """
)


async def forget_space(connection: AsyncConnection, space_id: UUID) -> bool:
    """Remove some documents' vectors in a space that is dropped; whether there were any."""
    found = list((await connection.execute(_IN_SPACE, {"space": space_id})).scalars())
    await lock_documents(connection, found)
    await connection.execute(_FORGET_SPACE, {"space": space_id, "documents": found})
    return bool(found)
