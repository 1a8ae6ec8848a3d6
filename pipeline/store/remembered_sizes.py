"""Keeps the sizes of chunks that the installation uses unless a setting says otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.chunk_sizes import ChunkSizes
from pipeline.store.engine import rows

SIZES_SINCE = "0021"
"""The first revision of the schema that remembers them."""

_REMEMBERED = sa.text("SELECT chunk_tokens, chunk_overlap_tokens FROM installation")
_REMEMBER = sa.text(
    "UPDATE installation SET chunk_tokens = :tokens, chunk_overlap_tokens = :overlap"
)


async def remembered_sizes(connection: AsyncConnection) -> ChunkSizes:
    """What this installation uses where no setting says otherwise."""
    (row,) = await rows(connection, _REMEMBERED, {})
    return ChunkSizes(row["chunk_tokens"], row["chunk_overlap_tokens"])


async def remember_sizes(connection: AsyncConnection, sizes: ChunkSizes) -> None:
    """Have every process of this installation cut so from now on; documents stay as they are."""
    await connection.execute(_REMEMBER, {"tokens": sizes.tokens, "overlap": sizes.overlap_tokens})


@dataclass(frozen=True, slots=True)
class PublishedChunks:
    """What would have to be made again with other sizes: published documents, and their chunks."""

    documents: int
    chunks: int
    tokens: int


_PUBLISHED = sa.text(
    """
    SELECT count(*)::int AS documents, coalesce(sum(j.chunks), 0)::bigint AS chunks,
           coalesce(sum(j.tokens), 0)::bigint AS tokens
    FROM documents AS d JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE d.deleted_at IS NULL
    """
)


async def published_chunks(connection: AsyncConnection) -> PublishedChunks:
    """The documents of every user that readers see."""
    (row,) = await rows(connection, _PUBLISHED, {})
    return PublishedChunks(**row)
