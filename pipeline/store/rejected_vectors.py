"""Deletes buffered vectors that the gate rejected, which retries would otherwise reuse."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.vector_owners import owner, owning

_DISCARD = sa.text(
    f"""
    WITH unfit AS (
        SELECT w.space_id, w.sha256, w.user_id FROM document_vector_buffer AS w
        WHERE w.space_id = :space AND w.embedding IS NOT NULL
          AND (w.sha256, w.user_id) IN (SELECT b.sha256, {owner("b")}
                                        FROM document_chunk_buffer AS b
                                        WHERE b.job_id = ANY(CAST(:jobs AS uuid[])))
          -- a norm of NaN compares as larger than every number
          AND (vector_dims(w.embedding) <> :dimension OR abs(vector_norm(w.embedding) - 1) > 0.001)
        ORDER BY w.sha256, w.user_id FOR UPDATE
    )
    DELETE FROM document_vector_buffer AS w USING unfit
    WHERE w.space_id = unfit.space_id AND w.sha256 = unfit.sha256 AND w.user_id = unfit.user_id
    """
)


async def discard(
    connection: AsyncConnection,
    job_ids: Sequence[UUID],
    space_id: UUID,
    dimension: int,
    *,
    shared: bool = False,
) -> None:
    """Drop the jobs' buffered vectors of a wrong dimension or length: a retry embeds anew."""
    values = {"jobs": list(job_ids), "space": space_id, "dimension": dimension}
    await connection.execute(_DISCARD, values | owning(shared=shared))
