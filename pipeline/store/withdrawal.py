"""Withdraws documents that rested on a decision taken back, when the gate refuses them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import PUBLISHED
from pipeline.store.schema import listed

# Published since the decision was taken back: it no longer rests on that.
_RESTING = f"""
    SELECT d.id FROM documents AS d JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE j.id = ANY(CAST(:jobs AS uuid[])) AND d.published_job_id = j.id
      AND EXISTS (
        SELECT FROM review_decisions AS u
        WHERE u.user_id = j.user_id AND u.file_sha256 = j.file_sha256 AND u.decision = 'undo'
          AND NOT EXISTS (SELECT FROM job_events AS e
                          WHERE e.job_id = j.id AND e.at > u.created_at
                            AND e.to_state IN ({listed(PUBLISHED)})))
"""
_LOCK = sa.text(f"{_RESTING} ORDER BY d.id FOR NO KEY UPDATE OF d")
_CHUNKS = sa.text("DELETE FROM document_chunks WHERE document_id = ANY(CAST(:ids AS uuid[]))")
_POINT = sa.text(
    """
    UPDATE documents SET published_job_id = NULL, updated_at = now()
    WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)


async def withdraw(connection: AsyncConnection, refused: Sequence[UUID]) -> set[UUID]:
    """Take from readers the documents of refused jobs that rested on a decision taken back.

    Args:
        refused: jobs that the gate is about to quarantine.

    Returns:
        The ids of the documents; others keep what is published.
    """
    found = list((await connection.execute(_LOCK, {"jobs": list(refused)})).scalars())
    if found:
        await connection.execute(_CHUNKS, {"ids": found})
        await connection.execute(_POINT, {"ids": found})
    return set(found)
