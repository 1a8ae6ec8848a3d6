"""Compares the word index with the chunks, and notes where they differ so that it is mended.

Triggers keep both in step. What goes past them, as the cascade of a superuser's delete or a load
with triggers off, is found here.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import Database, rows
from pipeline.store.word_forgetting import lock_index


@dataclass(frozen=True, slots=True)
class WordDifferences:
    """How a user's word index differs from the user's chunks.

    Attributes:
        missing: chunks that are in no segment and do not wait for one: no search finds their words.
        extra: places in segments of chunks that are gone, that wait, or that have another place.
    """

    missing: int
    extra: int


# Of one moment, as it is one statement. A chunk's places are compared as sets: nothing is told by
# numbers that happen to be equal.
_COMPARED = """
    WITH placed AS MATERIALIZED (
        SELECT s.id AS segment, encode(substring(s.chunk_ids FROM place * 16 + 1 FOR 16),
                                       'hex')::uuid AS chunk_id
        FROM word_segments AS s, generate_series(0, s.chunks - 1) AS place
        WHERE s.user_id = :user AND (s.dead = '' OR get_bit(s.dead, place) = 0)
    ),
    living AS MATERIALIZED (
        SELECT chunk_id, count(*) AS places FROM placed
        WHERE NOT EXISTS (SELECT FROM removed_chunks AS r
                          WHERE r.user_id = :user AND r.chunk_id = placed.chunk_id)
        GROUP BY chunk_id
    ),
    there AS MATERIALIZED (SELECT id FROM document_chunks WHERE user_id = :user),
    waiting AS MATERIALIZED (SELECT chunk_id FROM unindexed_chunks WHERE user_id = :user),
    wrong AS MATERIALIZED (
        SELECT chunk_id FROM living
        WHERE places > 1 OR NOT EXISTS (SELECT FROM there WHERE there.id = living.chunk_id)
           OR EXISTS (SELECT FROM waiting WHERE waiting.chunk_id = living.chunk_id)
    ),
    missing AS MATERIALIZED (
        SELECT id AS chunk_id FROM there
        WHERE NOT EXISTS (SELECT FROM waiting WHERE waiting.chunk_id = there.id)
          AND NOT EXISTS (SELECT FROM living WHERE living.chunk_id = there.id AND places = 1)
    )"""
_NUMBERS = """
    SELECT (SELECT count(*) FROM missing) AS missing, (SELECT count(*) FROM wrong) AS extra"""
_COUNT = sa.text(_COMPARED + _NUMBERS)
_NOTE = sa.text(
    f"""{_COMPARED},
    removed AS (
        INSERT INTO removed_chunks (user_id, chunk_id)
        SELECT :user, chunk_id FROM wrong ORDER BY chunk_id
    ),
    queued AS (
        INSERT INTO unindexed_chunks (user_id, chunk_id)
        SELECT :user, chunk_id FROM missing ORDER BY chunk_id ON CONFLICT DO NOTHING
    )
    {_NUMBERS}"""
)


async def count_differences(connection: AsyncConnection, user: UUID) -> WordDifferences:
    """How the user's index differs from the chunks now; it reads all that the index names."""
    return WordDifferences(**dict((await rows(connection, _COUNT, {"user": user}))[0]))


async def note_differences(database: Database, user: UUID) -> WordDifferences:
    """The same, and notes them: what is missing waits to be indexed, what is too much is removed.

    From then on searches are right. It waits for who indexes the user.
    """
    async with database.service() as connection:
        await lock_index(connection, user)
        return WordDifferences(**dict((await rows(connection, _NOTE, {"user": user}))[0]))
