"""What was seen in sources: of each object the version that was taken in, and whose it became."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records


@dataclass(frozen=True, slots=True)
class SeenObject:
    """An object as it was seen last.

    Attributes:
        source: of the document that it became.
        source_id: the added source that it came by, if any.
        stamp: of its bytes. revision: of its labels too.
        file_sha256: of its bytes.
    """

    user_id: UUID
    source: str
    source_id: UUID | None
    stamp: str
    revision: str
    size: int
    file_sha256: str


_COLUMNS = "user_id, source, source_id, stamp, revision, size, file_sha256"
_KNOWN = sa.text(
    f"SELECT {_COLUMNS} FROM source_objects WHERE source = ANY(CAST(:sources AS text[]))"
)


async def known(connection: AsyncConnection, sources: Sequence[str]) -> list[SeenObject]:
    """What is remembered of these objects, of every user."""
    return await records(connection, SeenObject, _KNOWN, {"sources": list(sources)})


_REMEMBER = sa.text(
    """
    INSERT INTO source_objects AS o
        (user_id, source, source_id, stamp, revision, size, file_sha256)
    SELECT s.* FROM jsonb_to_recordset(CAST(:seen AS jsonb)) AS s(
        user_id uuid, source text, source_id uuid, stamp text, revision text, size bigint,
        file_sha256 text)
    ORDER BY s.source, s.user_id
    ON CONFLICT (source, user_id) DO UPDATE SET
        source_id = coalesce(o.source_id, excluded.source_id), stamp = excluded.stamp,
        revision = excluded.revision, size = excluded.size, file_sha256 = excluded.file_sha256,
        seen_at = now()
    """
)


async def remember(connection: AsyncConnection, seen: Sequence[SeenObject]) -> None:
    """Remember objects as they were taken in; who has one by a source keeps it by that."""
    told = [
        {
            "user_id": str(each.user_id),
            "source": each.source,
            "source_id": str(each.source_id) if each.source_id else None,
            "stamp": each.stamp,
            "revision": each.revision,
            "size": each.size,
            "file_sha256": each.file_sha256,
        }
        for each in seen
    ]
    if told:
        await connection.execute(_REMEMBER, {"seen": json.dumps(told)})


_PAGE = sa.text(
    f"""
    SELECT {_COLUMNS} FROM source_objects
    WHERE (source_id = :source_id OR CAST(:source_id AS uuid) IS NULL AND user_id = :user_id)
      AND starts_with(source, :prefix) AND (source, user_id) > (:after, :after_user)
    ORDER BY source, user_id LIMIT :limit
    """
)


async def page(
    connection: AsyncConnection,
    prefix: str,
    by: UUID | None,
    user: UUID | None,
    after: SeenObject | None,
    limit: int = 1000,
) -> list[SeenObject]:
    """Remembered objects of an added source, or of a user's prefix, in order.

    Args:
        after: the last one of the page before.
    """
    values = {
        "source_id": by,
        "user_id": user,
        "prefix": prefix,
        "after": after.source if after else "",
        "after_user": after.user_id if after else UUID(int=0),
        "limit": limit,
    }
    return await records(connection, SeenObject, _PAGE, values)


_FORGET = sa.text(
    """
    WITH gone AS (
        SELECT o.user_id, o.source FROM source_objects AS o
        JOIN unnest(CAST(:users AS uuid[]), CAST(:sources AS text[])) AS g(user_id, source)
          ON o.user_id = g.user_id AND o.source = g.source
        ORDER BY o.source, o.user_id FOR UPDATE OF o
    )
    DELETE FROM source_objects AS o USING gone AS g
    WHERE o.user_id = g.user_id AND o.source = g.source
    """
)


async def forget(connection: AsyncConnection, seen: Sequence[SeenObject]) -> None:
    """Forget objects that are gone."""
    values = {"users": [e.user_id for e in seen], "sources": [e.source for e in seen]}
    await connection.execute(_FORGET, values)


_DOCUMENTS = sa.text(
    """
    SELECT d.id FROM documents AS d
    JOIN unnest(CAST(:users AS uuid[]), CAST(:sources AS text[])) AS g(user_id, source)
      ON d.user_id = g.user_id AND d.source = g.source
    WHERE d.deleted_at IS NULL AND d.parent_id IS NULL
    """
)


async def documents_of(connection: AsyncConnection, seen: Sequence[SeenObject]) -> list[UUID]:
    """The living documents that these objects became."""
    values = {"users": [e.user_id for e in seen], "sources": [e.source for e in seen]}
    return list((await connection.execute(_DOCUMENTS, values)).scalars())
