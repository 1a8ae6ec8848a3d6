"""Computes in SQL what the gate asks of vectors to be published; no vector travels for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.chunk_buffer import CHUNKS_OF_JOBS
from pipeline.store.engine import records
from pipeline.store.vector_owners import lenders, owner, owning

_FACTS = sa.text(
    f"""
    SELECT b.job_id, b.chunk_id, b.ordinal, b.sha256,
           coalesce(w.sha256, v.sha256) AS vector_sha256,
           coalesce(w.embedding, v.embedding) IS NOT NULL AS present,
           vector_dims(coalesce(w.embedding, v.embedding)) AS dimension,
           vector_norm(coalesce(w.embedding, v.embedding)) AS norm
    FROM {CHUNKS_OF_JOBS}
    LEFT JOIN LATERAL (
        SELECT sha256, embedding FROM document_vector_buffer AS c
        WHERE c.space_id = :space AND c.sha256 = b.sha256 AND c.user_id = {owner("b")}
          AND c.embedding IS NOT NULL OFFSET 0
    ) AS w ON true
    LEFT JOIN LATERAL (
        SELECT max(sha256) AS sha256, (array_agg(embedding))[1] AS embedding
        FROM chunk_vectors AS c
        WHERE c.space_id = :space AND c.sha256 = b.sha256 AND c.user_id {lenders("b")}
          AND w.sha256 IS NULL
    ) AS v ON true
    ORDER BY b.job_id, b.ordinal
    """
)


@dataclass(frozen=True, slots=True)
class VectorFact:
    """What can be said of a buffered chunk's vector; `dimension` and `norm` are None without it."""

    job_id: UUID
    chunk_id: UUID
    ordinal: int
    sha256: str
    vector_sha256: str | None
    present: bool
    dimension: int | None
    norm: float | None


async def facts(
    connection: AsyncConnection, job_ids: Sequence[UUID], space_id: UUID, *, shared: bool = False
) -> list[VectorFact]:
    """For the gate: of each buffered chunk, whether its vector is there, its dimension and norm.

    The numbers are computed by Postgres over the stored vectors, so they are of what would be
    published, and no vector travels. A NaN or infinite element gives a NaN or infinite norm.
    """
    values = {"jobs": list(job_ids), "space": space_id, **owning(shared=shared)}
    return await records(connection, VectorFact, _FACTS, values)
