"""Counts a user's storage, where the files are named."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.quotas import StorageUse
from pipeline.store.lock_order import ANNOUNCEMENTS, advisory
from pipeline.store.pending_objects import HOLD_SECONDS

# Each content is stored once, however many documents have it. Announced uploads count as they were
# declared, until their objects may be removed. Every row is found by the index over its user.
_USED = sa.text(
    f"""
    SELECT (SELECT coalesce(sum(bytes), 0)::bigint FROM (
                SELECT max(file_bytes) AS bytes FROM upload_jobs
                WHERE (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id) AND state <> 'deleted'
                GROUP BY user_id, file_sha256) AS contents)
         + (SELECT coalesce(sum(declared_bytes), 0)::bigint FROM uploads
            WHERE (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id) AND job_id IS NULL
              AND expires_at > now() - make_interval(secs => {HOLD_SECONDS}))
    """
)
_STORED = sa.text(
    """
    SELECT DISTINCT j.file_sha256 FROM unnest(CAST(:contents AS text[])) AS c(sha256)
    JOIN upload_jobs AS j ON j.user_id = :user_id AND j.file_sha256 = c.sha256
    WHERE j.state <> 'deleted'
    """
)
_LOCK = sa.text(f"SELECT {advisory(ANNOUNCEMENTS, 'CAST(:user_id AS text)')}")


async def storage_use(connection: AsyncConnection, user: UUID | None, allowed: int) -> StorageUse:
    """What a user stores, or everybody whom the connection's role may see."""
    used = (await connection.execute(_USED, {"user_id": user})).scalar_one()
    return StorageUse(int(used), allowed)


async def stored_contents(
    connection: AsyncConnection, user: UUID, contents: Iterable[str]
) -> set[str]:
    """Those of the contents, by their hashes, that the user stores already."""
    values = {"user_id": user, "contents": list(contents)}
    return set((await connection.execute(_STORED, values)).scalars())


async def lock_announcements(connection: AsyncConnection, user: UUID) -> None:
    """Let a user's uploads be announced one after the other, until the commit."""
    await connection.execute(_LOCK, {"user_id": user})
