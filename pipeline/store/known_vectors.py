"""Looks up for which texts a user has vectors already: what a plan asks before intake."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.vector_owners import lenders, owner, owning

_HASHES = sa.text(
    f"""
    SELECT b.sha256
    FROM (SELECT sha256, CAST(:user AS uuid) AS user_id
          FROM unnest(CAST(:shas AS text[])) AS wanted(sha256)) AS b
    WHERE EXISTS (SELECT FROM chunk_vectors AS v
                  WHERE v.space_id = :space AND v.sha256 = b.sha256
                    AND v.user_id {lenders("b")})
       OR EXISTS (SELECT FROM document_vector_buffer AS w
                  WHERE w.space_id = :space AND w.sha256 = b.sha256
                    AND w.user_id = {owner("b")} AND w.embedding IS NOT NULL)
    """
)


async def known_hashes(
    connection: AsyncConnection,
    shas: Sequence[str],
    space_id: UUID,
    user: UUID,
    *,
    shared: bool = False,
) -> set[str]:
    """Those of the texts, by hash, for which the user has a vector in the space already."""
    values = {"shas": list(shas), "space": space_id, "user": user, **owning(shared=shared)}
    return set((await connection.execute(_HASHES, values)).scalars())
