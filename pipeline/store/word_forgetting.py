"""Forgets what the word index holds: single segments, or all that it holds of a user."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import Database
from pipeline.store.lock_order import WORD_INDEX, advisory

_FORGET_POSTINGS = sa.text(
    """
    WITH old AS (
        SELECT segment_id, lexeme FROM word_postings
        WHERE segment_id = ANY(CAST(:ids AS bigint[]))
        ORDER BY segment_id, lexeme FOR UPDATE
    )
    DELETE FROM word_postings AS p USING old AS o
    WHERE p.segment_id = o.segment_id AND p.lexeme = o.lexeme
    """
)
_FORGET_SEGMENTS = sa.text(
    """
    WITH old AS (
        SELECT id FROM word_segments WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE
    )
    DELETE FROM word_segments AS s USING old AS o WHERE s.id = o.id
    """
)
_LOCK = sa.text(f"SELECT {advisory(WORD_INDEX, ':user')}")


async def drop_segments(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Remove segments with their posting lists."""
    await connection.execute(_FORGET_SEGMENTS, {"ids": list(ids)})
    await connection.execute(_FORGET_POSTINGS, {"ids": list(ids)})


async def lock_index(connection: AsyncConnection, user: UUID) -> None:
    """Wait until nobody indexes the user, and keep everybody from it until the transaction ends."""
    await connection.execute(_LOCK, {"user": str(user)})


_SEGMENTS_OF = sa.text("SELECT id FROM word_segments WHERE user_id = :user")
_UNQUEUE = sa.text(
    """
    WITH own AS (
        SELECT user_id, chunk_id FROM unindexed_chunks WHERE user_id = :user
        ORDER BY user_id, chunk_id FOR UPDATE
    )
    DELETE FROM unindexed_chunks AS u USING own AS o
    WHERE u.user_id = o.user_id AND u.chunk_id = o.chunk_id
    """
)
_UNNOTE = sa.text(
    """
    WITH own AS (SELECT id FROM removed_chunks WHERE user_id = :user ORDER BY id FOR UPDATE)
    DELETE FROM removed_chunks AS r USING own AS o WHERE r.id = o.id
    """
)


async def forget_user(connection: AsyncConnection, user: UUID) -> None:
    """Remove the user's index, in the caller's transaction, which began with `lock_index`.

    The user's chunks are gone already, or are never found by words again.
    """
    await connection.execute(_UNQUEUE, {"user": user})
    await connection.execute(_UNNOTE, {"user": user})
    ids = list((await connection.execute(_SEGMENTS_OF, {"user": user})).scalars())
    await drop_segments(connection, ids)


_REQUEUE = sa.text(
    """
    INSERT INTO unindexed_chunks (user_id, chunk_id)
    SELECT user_id, id FROM document_chunks WHERE user_id = :user ORDER BY id
    ON CONFLICT DO NOTHING
    """
)


async def rebuild(database: Database, user: UUID) -> None:
    """Throw the user's index away and let all chunks wait; searches scan until they are indexed."""
    async with database.service() as connection:
        await lock_index(connection, user)
        await forget_user(connection, user)
        await connection.execute(_REQUEUE, {"user": user})
