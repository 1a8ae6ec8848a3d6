"""The index for words: each user's chunks in segments, a posting list for each word of a segment.

A chunk either waits (`unindexed_chunks`) or is in a segment; triggers on `document_chunks` put new
and changed chunks on the waiting list and note what is gone (`removed_chunks`), so whatever writes
chunks is found. A segment holds up to 65,536 chunks, sorted by id; within it a chunk is its place
there (ordinal). Segments are written once: a chunk that is gone is marked dead, and a segment with
dead ones, or small ones together, are written anew from the chunks. What is here can always be made
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.failpoints import failpoint
from pipeline.store.engine import Database, rows
from pipeline.store.lock_order import WORD_INDEX
from pipeline.store.word_forgetting import drop_segments
from pipeline.store.word_writing import write_segment

WORTH_INDEXING = 2_000
"""So many waiting chunks of a user are indexed; fewer are scanned by every search."""

TOO_MANY = 16_384
"""So many are indexed while a run still publishes, lest searches scan more and more meanwhile."""

SEGMENT_CHUNKS = 65_536
"""Of the largest segment: an ordinal has two bytes."""

_SMALL = SEGMENT_CHUNKS // 4
_SMALL_ONES = 8
_DEAD_SHARE = 0.2
# What is gone is not found from then on; its words are out of the index within this time.
_DEAD_FOR = "interval '1 day'"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as the rules of upkeep see it.

    Attributes:
        living: chunks of it that are not gone. overdue: what is gone has been for too long, or the
            release before wrote it, without what searches filter by.
    """

    id: int
    chunks: int
    living: int
    overdue: bool


# --- what is to be done ----------------------------------------------------------------------

_WAITING = sa.text(
    """
    SELECT w.user_id FROM unnest(CAST(:users AS uuid[])) AS w(user_id)
    WHERE :least <= (SELECT count(*) FROM (
        SELECT FROM unindexed_chunks AS u WHERE u.user_id = w.user_id LIMIT :least) AS counted)
    """
)
_ALL_WAITING = sa.text(
    """
    SELECT user_id FROM unindexed_chunks GROUP BY user_id HAVING count(*) >= :least
    ORDER BY user_id
    """
)
_UNTIDY = sa.text(
    """
    SELECT user_id FROM removed_chunks UNION SELECT user_id FROM word_segments ORDER BY user_id
    """
)


_OF_JOBS = sa.text("SELECT DISTINCT user_id FROM upload_jobs WHERE id = ANY(CAST(:jobs AS uuid[]))")
_OF_RUN = sa.text("SELECT DISTINCT user_id FROM run_jobs WHERE run_id = :run")
_NUMBER_WAITING = sa.text("SELECT count(*) FROM unindexed_chunks WHERE user_id = :user")


async def users_of(connection: AsyncConnection, jobs: Sequence[UUID]) -> list[UUID]:
    """Whose the jobs are."""
    return list((await connection.execute(_OF_JOBS, {"jobs": list(jobs)})).scalars())


async def users_of_run(connection: AsyncConnection, run: UUID) -> list[UUID]:
    """Whose documents a run works on."""
    return list((await connection.execute(_OF_RUN, {"run": run})).scalars())


async def waiting(database: Database, user: UUID) -> int:
    """How many chunks of a user wait to be indexed."""
    async with database.service() as connection:
        return int(await connection.scalar(_NUMBER_WAITING, {"user": user}) or 0)


async def waiting_users(
    database: Database, users: Sequence[UUID] | None = None, *, least: int = WORTH_INDEXING
) -> list[UUID]:
    """Those users, or all with None, of whom enough chunks wait to be indexed."""
    async with database.service() as connection:
        if users is None:
            return list((await connection.execute(_ALL_WAITING, {"least": least})).scalars())
        values = {"users": list(users), "least": least}
        return list((await connection.execute(_WAITING, values)).scalars())


async def indexed_users(database: Database) -> list[UUID]:
    """The users who have segments, or notes of what is gone from them."""
    async with database.service() as connection:
        return list((await connection.execute(_UNTIDY)).scalars())


# --- indexing ---------------------------------------------------------------------------------

_TRY_LOCK = sa.text(f"SELECT pg_try_advisory_xact_lock({WORD_INDEX}, hashtext(:user))")
_TEMPORARY = sa.text("CREATE TEMP TABLE IF NOT EXISTS taken (chunk_id uuid) ON COMMIT DELETE ROWS")
_TAKE = sa.text(
    """
    WITH waiting AS (
        SELECT chunk_id FROM unindexed_chunks WHERE user_id = :user
        ORDER BY user_id, chunk_id LIMIT :most FOR UPDATE SKIP LOCKED
    )
    INSERT INTO taken SELECT chunk_id FROM waiting
    """
)
_DONE = sa.text(
    """
    DELETE FROM unindexed_chunks AS u USING taken AS t
    WHERE u.user_id = :user AND u.chunk_id = t.chunk_id
    """
)


async def index_waiting(
    database: Database, user: UUID, *, most: int = SEGMENT_CHUNKS, least: int = WORTH_INDEXING
) -> int:
    """Write a segment of the user's waiting chunks, in one transaction; how many it holds.

    Nothing is done where another process indexes this user, or where few chunks wait.
    """
    async with database.service() as connection:
        values = {"user": user, "users": [user], "most": most, "least": least}
        if not await connection.scalar(_TRY_LOCK, {"user": str(user)}):
            return 0
        if not list(await connection.execute(_WAITING, values)):
            return 0
        await connection.execute(_TEMPORARY)
        await connection.execute(_TAKE, values)
        # What was taken may stand in an older segment too: what is noted of that is void.
        await _mark_removed(connection, user)
        done = await write_segment(connection, user)
        await connection.execute(_DONE, values)
        failpoint("before-words-commit")
        return done


# --- what is gone -----------------------------------------------------------------------------

_REMOVED = sa.text(
    """
    WITH noted AS (
        SELECT id FROM removed_chunks WHERE user_id = :user ORDER BY id FOR UPDATE
    )
    DELETE FROM removed_chunks AS r USING noted AS n WHERE r.id = n.id RETURNING r.chunk_id
    """
)
_MEMBERS = sa.text(
    """
    SELECT id, chunks, chunk_ids, dead FROM word_segments WHERE user_id = :user ORDER BY id
    FOR UPDATE
    """
)
_BURY = sa.text(
    """
    UPDATE word_segments SET dead = :dead, dead_chunks = :dead_chunks,
        dead_since = coalesce(dead_since, now())
    WHERE id = :id
    """
)


async def _mark_removed(connection: AsyncConnection, user: UUID) -> None:
    """Mark in the segments what is noted as gone."""
    gone = list((await connection.execute(_REMOVED, {"user": user})).scalars())
    if not gone:
        return
    for row in await rows(connection, _MEMBERS, {"user": user}):
        dead = unpacked(row["dead"], row["chunks"])
        before = int(dead.sum())
        dead |= members(row["chunk_ids"], gone)
        if (count := int(dead.sum())) > before:
            packed = np.packbits(dead, bitorder="little").tobytes()
            values = {"id": row["id"], "dead": packed, "dead_chunks": count}
            await connection.execute(_BURY, values)


def unpacked(dead: bytes, chunks: int) -> NDArray[np.bool_]:
    """Which chunks of a segment are dead, from its bits; none when there are no bits."""
    if not dead:
        return np.zeros(chunks, bool)
    bits = np.unpackbits(np.frombuffer(dead, np.uint8), count=chunks, bitorder="little")
    return bits.astype(bool)


def members(chunk_ids: bytes, wanted: Sequence[UUID]) -> NDArray[np.bool_]:
    """Which chunks of a segment are among these."""
    halves = np.frombuffer(chunk_ids, np.uint64).reshape(-1, 2)
    asked = np.frombuffer(b"".join(each.bytes for each in wanted), np.uint64).reshape(-1, 2)
    found = np.isin(halves[:, 0], asked[:, 0])
    known = {each.bytes for each in wanted}
    for place in np.flatnonzero(found):
        found[place] = chunk_ids[place * 16 : place * 16 + 16] in known
    return found


# --- upkeep -----------------------------------------------------------------------------------

_SEGMENTS = sa.text(
    f"""
    SELECT id, chunks, chunks - dead_chunks AS living,
           coalesce(dead_since < now() - {_DEAD_FOR}, false) OR documents IS NULL AS overdue
    FROM word_segments WHERE user_id = :user ORDER BY chunks - dead_chunks, id
    """
)
_TAKE_FROM = sa.text(
    """
    INSERT INTO taken
    SELECT encode(substring(s.chunk_ids FROM place * 16 + 1 FOR 16), 'hex')::uuid
    FROM word_segments AS s, generate_series(0, s.chunks - 1) AS place
    WHERE s.id = ANY(CAST(:ids AS bigint[]))
      AND (s.dead = '' OR get_bit(s.dead, place) = 0)
    """
)


async def tidy(database: Database, user: UUID) -> int:
    """Write the user's segments anew that need it, as one; how many it replaced.

    One call is one transaction and at most one new segment; call again until it is 0.
    """
    async with database.service() as connection:
        if not await connection.scalar(_TRY_LOCK, {"user": str(user)}):
            return 0
        await _mark_removed(connection, user)
        found = await connection.execute(_SEGMENTS, {"user": user})
        old = worth_rewriting([Segment(*row) for row in found])
        if not old:
            return 0
        await connection.execute(_TEMPORARY)
        await connection.execute(_TAKE_FROM, {"ids": old})
        await write_segment(connection, user)
        await drop_segments(connection, old)
        failpoint("before-rewrite-commit")
        return len(old)


def worth_rewriting(segments: Sequence[Segment]) -> list[int]:
    """The ids of segments that are to be written anew as one.

    Args:
        segments: by the number of living chunks, the smallest first.
    """
    worn = [
        s for s in segments if s.overdue or s.chunks - s.living > max(_DEAD_SHARE * s.chunks, 0)
    ]
    small = [s for s in segments if s.living <= _SMALL and s not in worn]
    chosen: list[int] = []
    room = SEGMENT_CHUNKS
    for segment in worn + (small if len(small) >= _SMALL_ONES else []):
        if segment.living <= room:
            chosen.append(segment.id)
            room -= segment.living
    return chosen
