"""Pending objects: what may lie in the storage though no row names it, on its way in or orphaned.

Bytes are stored before the rows that name them, and removed after those are gone, so between the
two a crash would leave objects that nobody finds, and a removal could take what an upload has just
put. So who puts something says so first and holds it until its rows are written; a deletion gives
things up in its own transaction; and only what nobody holds and no document needs is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import ServiceUnavailable
from pipeline.store.lock_order import REMOVALS, advisory

HOLD_SECONDS = 3600.0
"""So long somebody may take to store a group of files and to write their rows."""

# No row is there before the lock is.
_ACQUIRE = sa.text(
    f"""
    WITH waited AS MATERIALIZED (
        SELECT {advisory(REMOVALS, "CAST(:user_id AS text)", shared=True)}
    )
    INSERT INTO unsettled_objects (user_id, stem, holder, held_until)
    SELECT :user_id, stem, :holder, now() + make_interval(secs => :seconds)
    FROM waited CROSS JOIN unnest(CAST(:stems AS text[])) AS s(stem)
    """
)
_HELD = """held AS (
    SELECT user_id, stem, holder FROM unsettled_objects
    WHERE user_id = :user_id AND stem = ANY(CAST(:stems AS text[])) AND holder = :holder
    ORDER BY stem, holder FOR UPDATE
)"""
_COMMIT = sa.text(
    f"""
    WITH {_HELD}
    DELETE FROM unsettled_objects AS u USING held AS h
    WHERE u.user_id = h.user_id AND u.stem = h.stem AND u.holder = h.holder
    """
)
_RELEASE = sa.text(
    f"""
    WITH {_HELD}
    UPDATE unsettled_objects AS u SET held_until = now() FROM held AS h
    WHERE u.user_id = h.user_id AND u.stem = h.stem AND u.holder = h.holder
    """
)
_FORGET = sa.text(
    """
    WITH held AS (
        SELECT user_id, stem, holder FROM unsettled_objects
        WHERE user_id = :user_id AND stem = :stem ORDER BY stem, holder FOR UPDATE
    )
    DELETE FROM unsettled_objects AS u USING held AS h
    WHERE u.user_id = h.user_id AND u.stem = h.stem AND u.holder = h.holder
    """
)
_ORPHAN = sa.text(
    """
    INSERT INTO unsettled_objects (user_id, stem, holder, held_until)
    SELECT user_id, stem, gen_random_uuid(), now()
    FROM unnest(CAST(:users AS uuid[]), CAST(:stems AS text[])) AS s(user_id, stem)
    """
)
_OLDEST = sa.text(
    """
    SELECT user_id FROM unsettled_objects
    WHERE held_until <= now() AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
    ORDER BY held_until LIMIT 1
    """
)
_LOCK = sa.text(f"SELECT {advisory(REMOVALS, 'CAST(:user_id AS text)')}")
_TAKE = sa.text(
    """
    WITH a AS (
        SELECT user_id, stem, holder FROM unsettled_objects
        WHERE user_id = :user_id AND held_until <= now()
        ORDER BY stem, holder LIMIT :most FOR UPDATE
    )
    DELETE FROM unsettled_objects AS u USING a
    WHERE u.user_id = a.user_id AND u.stem = a.stem AND u.holder = a.holder RETURNING u.stem
    """
)
_UNNEEDED = sa.text(
    """
    SELECT s.stem FROM unnest(CAST(:stems AS text[])) AS s(stem)
    WHERE NOT EXISTS (SELECT FROM unsettled_objects AS u
                      WHERE u.user_id = :user_id AND u.stem = s.stem
                        AND u.held_until > clock_timestamp())
      AND NOT EXISTS (SELECT FROM upload_jobs AS j
                      WHERE j.user_id = :user_id AND j.file_sha256 = s.stem
                        AND j.state <> 'deleted')
    """
)


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on pending objects: whose, which, and by whom."""

    user_id: UUID
    stems: tuple[str, ...]
    holder: UUID

    def values(self) -> dict[str, object]:
        """The parameters of the statements."""
        return {"user_id": self.user_id, "stems": list(self.stems), "holder": self.holder}


async def acquire(
    connection: AsyncConnection, user: UUID, stems: Iterable[str], seconds: float = HOLD_SECONDS
) -> Hold:
    """Acquire objects before they are stored; a removal under way is waited for."""
    held = Hold(user, tuple(sorted(set(stems))), uuid4())
    await connection.execute(_ACQUIRE, {**held.values(), "seconds": seconds})
    return held


async def commit(connection: AsyncConnection, held: Hold) -> None:
    """Commit pending objects, in the transaction that writes the rows that name them.

    Raises:
        ServiceUnavailable: it took so long that they may have been removed; try again.
    """
    if (await connection.execute(_COMMIT, held.values())).rowcount != len(held.stems):
        raise ServiceUnavailable("Storing the files took too long.")


async def release(connection: AsyncConnection, held: Hold) -> None:
    """Release pending objects, because nothing came of them."""
    await connection.execute(_RELEASE, held.values())


async def forget(connection: AsyncConnection, user: UUID, stem: str) -> None:
    """Forget a pending object that is not stored any more, whoever acquired it."""
    await connection.execute(_FORGET, {"user_id": user, "stem": stem})


async def mark_orphaned(connection: AsyncConnection, contents: Sequence[tuple[UUID, str]]) -> None:
    """Mark objects as orphaned, in the transaction that removes the rows that named them.

    Args:
        contents: user and stem of each.
    """
    values = {"users": [user for user, _ in contents], "stems": [stem for _, stem in contents]}
    await connection.execute(_ORPHAN, values)


async def take_orphaned(
    connection: AsyncConnection, user: UUID | None, most: int
) -> tuple[UUID, list[str]] | None:
    """Take one user's orphaned objects, of `user` or any; None when there are none.

    Who holds something anew is waited for, and waits until this transaction ends. The rows go
    first: what is given up after the look at who needs it has a row of its own, for the next time.

    Args:
        most: rows to take.

    Returns:
        Whose they are, and the stems that may be removed: nobody holds them, no document has them.
    """
    owner: UUID | None = await connection.scalar(_OLDEST, {"user_id": user})
    if owner is None:
        return None
    await connection.execute(_LOCK, {"user_id": owner})
    taken = await connection.execute(_TAKE, {"user_id": owner, "most": most})
    values = {"user_id": owner, "stems": sorted(set(taken.scalars()))}
    return owner, list((await connection.execute(_UNNEEDED, values)).scalars())
