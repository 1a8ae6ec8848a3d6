"""Cleans up the buffers after a publication, but for what another unfinished job needs."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import chunk_buffer
from pipeline.store.lock_order import CLEARING, advisory
from pipeline.store.vector_owners import owner, owning, shares

# Of two publishers that share a text, one must see that the other no longer needs its vector.
_CLEAR_IN_TURN = sa.text(f"SELECT {advisory(CLEARING, ':key')}")
# A buffered vector that another unfinished job needs stays for it; what a superseded version of
# these documents paid for and nobody needs goes too. Rows are found by the two arrays, which the
# primary key serves; what comes after them only leaves out what the arrays mix, and IS TRUE keeps
# it a hashed look-up: taken for one row each, the two sides would be joined by loops.
_CLEAR_VECTORS = sa.text(
    f"""
    WITH done AS (
        SELECT CAST(:space AS uuid) AS space_id, p.sha256, {owner("p")} AS user_id
        FROM publishing AS p
        UNION
        SELECT own.space_id, own.sha256, own.user_id
        FROM (SELECT id FROM upload_jobs
              WHERE document_id = ANY(CAST(:documents AS uuid[])) OFFSET 0) AS j
        JOIN LATERAL (
            SELECT space_id, sha256, user_id FROM document_vector_buffer
            WHERE job_id = j.id OFFSET 0
        ) AS own ON true
    ), unneeded AS MATERIALIZED (
        SELECT d.space_id, d.sha256, d.user_id FROM done AS d
        LEFT JOIN LATERAL (
            SELECT true AS waits FROM document_chunk_buffer AS c
            WHERE c.sha256 = d.sha256 AND {shares("c", "d")} OFFSET 0
        ) AS b ON true
        WHERE b.waits IS NULL
    ), cleared AS MATERIALIZED (
        SELECT space_id, sha256, user_id FROM document_vector_buffer
        WHERE space_id = ANY(ARRAY(SELECT DISTINCT space_id FROM unneeded))
          AND sha256 = ANY(ARRAY(SELECT sha256 FROM unneeded))
          AND ((space_id, sha256, user_id) IN (SELECT * FROM unneeded)) IS TRUE
          AND embedding IS NOT NULL
        ORDER BY sha256, user_id, space_id FOR UPDATE
    )
    DELETE FROM document_vector_buffer
    WHERE space_id = ANY(ARRAY(SELECT DISTINCT space_id FROM cleared))
      AND sha256 = ANY(ARRAY(SELECT sha256 FROM cleared))
      AND ((space_id, sha256, user_id) IN (SELECT * FROM cleared)) IS TRUE
    """
)


async def clear(
    connection: AsyncConnection,
    space_id: UUID,
    jobs: Sequence[UUID],
    documents: Sequence[UUID],
    *,
    shared: bool,
) -> None:
    """Clear the buffers after jobs of these documents, in the transaction that publishes them.

    It reads the temporary table `publishing` of `pipeline.store.publication`.
    """
    await connection.execute(_CLEAR_IN_TURN, {"key": str(space_id)})
    await chunk_buffer.clear(connection, jobs)
    values = {"space": space_id, "documents": list(documents), **owning(shared=shared)}
    await connection.execute(_CLEAR_VECTORS, values)
