"""What may lie in the storage though no row names it: on its way in, or given up.

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
from pipeline.store.schema import SCHEMA

HOLD_SECONDS = 3600.0
"""So long somebody may take to store a group of files and to write their rows."""

# Any constant will do, as long as every process uses the same one.
_REMOVALS = 620_813

_WAIT = sa.text("SELECT pg_advisory_xact_lock_shared(:lock, hashtext(CAST(:user_id AS text)))")
_HOLD = sa.text(
    f"""
    INSERT INTO {SCHEMA}.unsettled_objects (user_id, stem, holder, held_until)
    SELECT :user_id, stem, :holder, now() + make_interval(secs => :seconds)
    FROM unnest(CAST(:stems AS text[])) AS s(stem)
    """  # noqa: S608
)
_SETTLE = sa.text(
    f"""
    DELETE FROM {SCHEMA}.unsettled_objects
    WHERE user_id = :user_id AND stem = ANY(CAST(:stems AS text[])) AND holder = :holder
    """  # noqa: S608
)
_GIVE_BACK = sa.text(
    f"""
    UPDATE {SCHEMA}.unsettled_objects SET held_until = now()
    WHERE user_id = :user_id AND stem = ANY(CAST(:stems AS text[])) AND holder = :holder
    """  # noqa: S608
)
_LET_GO = sa.text(
    f"DELETE FROM {SCHEMA}.unsettled_objects WHERE user_id = :user_id AND stem = :stem"  # noqa: S608
)
_GIVE_UP = sa.text(
    f"""
    INSERT INTO {SCHEMA}.unsettled_objects (user_id, stem, holder, held_until)
    SELECT user_id, stem, gen_random_uuid(), now()
    FROM unnest(CAST(:users AS uuid[]), CAST(:stems AS text[])) AS s(user_id, stem)
    """  # noqa: S608
)
_ABANDONED = sa.text(
    f"""
    WITH oldest AS (
        SELECT user_id FROM {SCHEMA}.unsettled_objects
        WHERE held_until <= now() AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
        ORDER BY held_until LIMIT 1
    )
    SELECT DISTINCT user_id, stem FROM {SCHEMA}.unsettled_objects JOIN oldest USING (user_id)
    WHERE held_until <= now() LIMIT :most
    """  # noqa: S608
)
_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock, hashtext(CAST(:user_id AS text)))")
_UNNEEDED = sa.text(
    f"""
    SELECT s.stem FROM unnest(CAST(:stems AS text[])) AS s(stem)
    WHERE NOT EXISTS (SELECT FROM {SCHEMA}.unsettled_objects AS u
                      WHERE u.user_id = :user_id AND u.stem = s.stem
                        AND u.held_until > clock_timestamp())
      AND NOT EXISTS (SELECT FROM {SCHEMA}.upload_jobs AS j
                      WHERE j.user_id = :user_id AND j.file_sha256 = s.stem
                        AND j.state <> 'deleted')
    """  # noqa: S608
)
_FORGET = sa.text(
    f"""
    DELETE FROM {SCHEMA}.unsettled_objects
    WHERE user_id = :user_id AND stem = ANY(CAST(:stems AS text[]))
      AND held_until <= clock_timestamp()
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Hold:
    """Who holds what."""

    user_id: UUID
    stems: tuple[str, ...]
    holder: UUID

    def values(self) -> dict[str, object]:
        """The parameters of the statements."""
        return {"user_id": self.user_id, "stems": list(self.stems), "holder": self.holder}


async def hold(
    connection: AsyncConnection, user: UUID, stems: Iterable[str], seconds: float = HOLD_SECONDS
) -> Hold:
    """Say that objects are about to be stored; a removal under way is waited for."""
    held = Hold(user, tuple(sorted(set(stems))), uuid4())
    await connection.execute(_WAIT, {"lock": _REMOVALS, "user_id": user})
    await connection.execute(_HOLD, {**held.values(), "seconds": seconds})
    return held


async def settle(connection: AsyncConnection, held: Hold) -> None:
    """Hold them no longer, in the transaction that writes the rows that name them.

    Raises:
        ServiceUnavailable: it took so long that they may have been removed; try again.
    """
    if (await connection.execute(_SETTLE, held.values())).rowcount != len(held.stems):
        raise ServiceUnavailable("Storing the files took too long.")


async def give_back(connection: AsyncConnection, held: Hold) -> None:
    """Hold them no longer, because nothing came of it."""
    await connection.execute(_GIVE_BACK, held.values())


async def let_go(connection: AsyncConnection, user: UUID, stem: str) -> None:
    """Forget what is not stored any more, whoever holds it."""
    await connection.execute(_LET_GO, {"user_id": user, "stem": stem})


async def give_up(connection: AsyncConnection, contents: Sequence[tuple[UUID, str]]) -> None:
    """Say that no row names these any more, in the transaction that sees to it.

    Args:
        contents: user and stem of each.
    """
    values = {"users": [user for user, _ in contents], "stems": [stem for _, stem in contents]}
    await connection.execute(_GIVE_UP, values)


async def abandoned(
    connection: AsyncConnection, user: UUID | None, most: int
) -> tuple[UUID | None, list[str]]:
    """What nobody holds any more: some stems of one user, `user` or any; none when all is settled.

    Their removal waits for who holds something anew, and is waited for, until this transaction
    ends.
    """
    found = (await connection.execute(_ABANDONED, {"user_id": user, "most": most})).all()
    if not found:
        return None, []
    owner: UUID = found[0][0]
    await connection.execute(_LOCK, {"lock": _REMOVALS, "user_id": owner})
    return owner, [stem for _, stem in found]


async def unneeded(connection: AsyncConnection, user: UUID, stems: Sequence[str]) -> list[str]:
    """Those of the abandoned that may be removed: nobody holds them, no document has them."""
    values = {"user_id": user, "stems": list(stems)}
    return list((await connection.execute(_UNNEEDED, values)).scalars())


async def forget(connection: AsyncConnection, user: UUID, stems: Sequence[str]) -> None:
    """These are removed, or needed after all."""
    await connection.execute(_FORGET, {"user_id": user, "stems": list(stems)})
