"""Queries buffered vectors and reservations that no document waits for any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import Database, records
from pipeline.store.vector_owners import shares

LOST_MINUTES = 60
_AT_ONCE = 1000

# A reservation whose holder was silent for an hour, or a vector whose job is not there any more;
# and no buffered chunk has its text. A lease that somebody still waits for is taken over by them.
_UNWANTED = f"""
    (w.embedding IS NULL AND w.lease_until < now() - make_interval(mins => {LOST_MINUTES})
     OR w.embedding IS NOT NULL
        AND NOT EXISTS (SELECT FROM upload_jobs AS j WHERE j.id = w.job_id))
    AND NOT EXISTS (SELECT FROM document_chunk_buffer AS c
                    WHERE c.sha256 = w.sha256 AND {shares("c", "w")})
"""


@dataclass(frozen=True, slots=True)
class BufferedVector:
    """A row of the vector buffer that nobody needs."""

    space_id: UUID
    sha256: str
    user_id: UUID
    job_id: UUID
    reserved: bool


_FIND = sa.text(
    f"""
    SELECT w.space_id, w.sha256, w.user_id, w.job_id, w.embedding IS NULL AS reserved
    FROM document_vector_buffer AS w
    WHERE (w.space_id, w.sha256, w.user_id) > (:space, :sha, :user) AND {_UNWANTED}
    ORDER BY w.space_id, w.sha256, w.user_id LIMIT {_AT_ONCE}
    """
)
_REMOVE = sa.text(
    f"""
    WITH unwanted AS (
        SELECT w.space_id, w.sha256, w.user_id FROM document_vector_buffer AS w
        JOIN unnest(CAST(:spaces AS uuid[]), CAST(:shas AS text[]), CAST(:users AS uuid[]))
            AS g(space_id, sha256, user_id) USING (space_id, sha256, user_id)
        WHERE {_UNWANTED}
        ORDER BY w.sha256, w.user_id FOR UPDATE OF w
    )
    DELETE FROM document_vector_buffer AS w USING unwanted AS u
    WHERE w.space_id = u.space_id AND w.sha256 = u.sha256 AND w.user_id = u.user_id
    """
)


async def unwanted_vectors(database: Database) -> AsyncIterator[list[BufferedVector]]:
    """Rows of the vector buffer that nobody needs, a page at a time."""
    found = [BufferedVector(UUID(int=0), "", UUID(int=0), UUID(int=0), False)]
    while True:
        values = {"space": found[-1].space_id, "sha": found[-1].sha256, "user": found[-1].user_id}
        async with database.service() as connection:
            found = await records(connection, BufferedVector, _FIND, values)
        if not found:
            return
        yield found


async def remove_unwanted(connection: AsyncConnection, vectors: list[BufferedVector]) -> None:
    """Remove those of the rows that still nobody needs."""
    values = {
        "spaces": [each.space_id for each in vectors],
        "shas": [each.sha256 for each in vectors],
        "users": [each.user_id for each in vectors],
    }
    await connection.execute(_REMOVE, values)
