"""Compares a sample of published chunks with the chunks of other documents, by their vectors."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.report_scope import JOBS, ReportScope

# Comparing one vector with all others is a scan: the sample shrinks as the corpus grows.
_COMPARISONS = 100_000
_SIMILARITY = sa.text(
    f"""
    WITH {JOBS}, published AS MATERIALIZED (
        SELECT document_id, space_id FROM jobs WHERE id = published_job_id
    ), sample AS MATERIALIZED (
        -- the ids first: joined in one go, a planner without statistics loops over every vector
        SELECT c.id AS chunk_id, c.document_id, p.space_id
        FROM document_chunks AS c JOIN published AS p ON p.document_id = c.document_id
        ORDER BY md5(c.id::text) LIMIT :sample
    )
    SELECT (SELECT max(1 - (other.embedding <=> v.embedding))
            FROM chunk_vectors AS other
            WHERE other.space_id = s.space_id
              AND other.chunk_id <> ALL (ARRAY(SELECT id FROM document_chunks AS own
                                               WHERE own.document_id = s.document_id))
              AND other.user_id = v.user_id) AS value
    FROM sample AS s
    JOIN chunk_vectors AS v ON v.chunk_id = s.chunk_id AND v.space_id = s.space_id
    """
)
_VECTORS = sa.text("SELECT count(*) FROM chunk_vectors")


async def nearest_similarities(connection: AsyncConnection, scope: ReportScope) -> Sequence[float]:
    """For a sample of published chunks, the cosine to the nearest chunk of another document."""
    vectors = int(await connection.scalar(_VECTORS) or 0)
    sample = min(200, max(10, _COMPARISONS // max(vectors, 1)))
    found = await connection.execute(_SIMILARITY, {**scope.values(), "sample": sample})
    return [float(value) for value in found.scalars() if value is not None]
