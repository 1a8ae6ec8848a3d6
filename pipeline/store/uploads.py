"""Uploads in two steps: announced with what they are to become, then sent, then completed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows


@dataclass(frozen=True, slots=True)
class AnnouncedUpload:
    """An upload that is expected, or has become a job.

    Attributes:
        declared_bytes: its size, when it was said. expired: whether its time is over.
    """

    id: UUID
    user_id: UUID
    source: str | None
    name: str
    tags: list[str]
    declared_bytes: int | None
    expires_at: datetime
    job_id: UUID | None
    expired: bool


_ANNOUNCE = sa.text(
    """
    INSERT INTO uploads (id, user_id, source, name, tags, declared_bytes, expires_at)
    VALUES (:id, :user_id, :source, :name, :tags, :bytes, now() + make_interval(secs => :seconds))
    RETURNING expires_at
    """
)
_FIND = sa.text(
    """
    SELECT id, user_id, source, name, tags, declared_bytes, expires_at, job_id,
           expires_at < now() AS expired
    FROM uploads WHERE id = :id
    """
)
_COMPLETE = sa.text("UPDATE uploads SET job_id = :job_id WHERE id = :id AND user_id = :user_id")
_FORGET = sa.text(
    """
    WITH expired AS (
        SELECT id FROM uploads
        WHERE job_id IS NULL AND expires_at < now() - make_interval(days => 1)
        ORDER BY id FOR UPDATE
    )
    DELETE FROM uploads AS u USING expired AS e WHERE u.id = e.id
    """
)
_OPEN = sa.text("SELECT count(*) FROM uploads WHERE job_id IS NULL AND expires_at >= now()")


async def announce(
    connection: AsyncConnection,
    upload_id: UUID,
    user_id: UUID,
    *,
    source: str | None,
    name: str,
    tags: Sequence[str],
    declared_bytes: int | None,
    seconds: float,
) -> datetime:
    """Expect an upload; until when it can be sent and completed."""
    values = {
        "id": upload_id,
        "user_id": user_id,
        "source": source,
        "name": name,
        "tags": list(tags),
        "bytes": declared_bytes,
        "seconds": seconds,
    }
    until: datetime = (await connection.execute(_ANNOUNCE, values)).scalar_one()
    return until


async def find(connection: AsyncConnection, upload_id: UUID) -> AnnouncedUpload | None:
    """The upload, when the connection's role may see it."""
    found = await rows(connection, _FIND, {"id": upload_id})
    return AnnouncedUpload(**found[0]) if found else None


async def complete(
    connection: AsyncConnection, upload_id: UUID, user_id: UUID, job_id: UUID
) -> None:
    """Write down which job a user's upload has become."""
    values = {"id": upload_id, "user_id": user_id, "job_id": job_id}
    await connection.execute(_COMPLETE, values)


async def forget_expired(connection: AsyncConnection) -> None:
    """Forget uploads that were announced and not completed until a day after their time."""
    await connection.execute(_FORGET)


async def count_open(connection: AsyncConnection) -> int:
    """Uploads that are expected now, of those that the role may see."""
    return int(await connection.scalar(_OPEN) or 0)
