"""Stores signed reports and their hash chain: seals are only added, contents can be erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records


@dataclass(frozen=True, slots=True)
class SealRow:
    """A link of the chain.

    Attributes:
        number: from 1, without gaps. id: of the report that was made, or removed.
        kind: ``report`` or ``removal``.
        user_id: whose documents it is about; None for everybody's.
        owners: `identity.owner_mark` of each user whose documents are in it.
        previous: hash of the link before; empty for the first.
        statement: canonical JSON, to the byte what `signature` (base64) is of.
    """

    number: int
    id: UUID
    kind: str
    user_id: UUID | None
    run_id: UUID | None
    owners: list[str]
    made_at: datetime
    previous: str
    statement: str
    signature: str


_COLUMNS = "number, id, kind, user_id, run_id, owners, made_at, previous, statement, signature"
_NEWEST = sa.text(f"SELECT {_COLUMNS} FROM report_seals ORDER BY number DESC LIMIT 1")
_CHAIN = sa.text(
    f"SELECT {_COLUMNS} FROM report_seals WHERE number > :after ORDER BY number LIMIT :limit"
)
_OF = sa.text(f"SELECT {_COLUMNS} FROM report_seals WHERE id = :id ORDER BY number")
_LISTED = sa.text(
    f"""
    SELECT {_COLUMNS} FROM report_seals AS s
    WHERE kind = 'report' AND (CAST(:before AS bigint) IS NULL OR number < :before)
      AND user_id IS NOT DISTINCT FROM CAST(:user_id AS uuid)
      AND (CAST(:run_id AS uuid) IS NULL OR run_id = :run_id)
      AND (:any_run OR run_id IS NULL)
      AND EXISTS (SELECT FROM report_contents AS c WHERE c.id = s.id)
    ORDER BY number DESC LIMIT :limit
    """
)
# Of two that are made at once, the second waits for the first, finds its number taken and takes
# the next.
_ADD = sa.text(
    f"""
    INSERT INTO report_seals ({_COLUMNS})
    VALUES (:number, :id, :kind, :user_id, :run_id, CAST(:owners AS text[]), :made_at, :previous,
            :statement, :signature)
    ON CONFLICT (number) DO NOTHING RETURNING number
    """
)
_ADD_CONTENT = sa.text(
    "INSERT INTO report_contents (id, user_id, content, page) "
    "VALUES (:id, :user_id, :content, :page)"
)
_CONTENT = sa.text("SELECT content FROM report_contents WHERE id = :id")
_PAGE = sa.text("SELECT page FROM report_contents WHERE id = :id")
_OVER = sa.text(
    """
    SELECT c.id FROM report_contents AS c
    JOIN report_seals AS s ON s.id = c.id AND s.kind = 'report'
    WHERE s.user_id = :user_id OR :mark = ANY(s.owners) ORDER BY s.number
    """
)
_REMOVE = sa.text("DELETE FROM report_contents WHERE id = :id")


async def newest(connection: AsyncConnection) -> SealRow | None:
    """The last link of the chain; None before the first."""
    return next(iter(await records(connection, SealRow, _NEWEST)), None)


async def chain(connection: AsyncConnection, after: int, limit: int) -> list[SealRow]:
    """Links by their numbers, of those above `after`."""
    return await records(connection, SealRow, _CHAIN, {"after": after, "limit": limit})


async def seals_of(connection: AsyncConnection, report: UUID) -> list[SealRow]:
    """The links about a report: that it was made and, perhaps, that it was removed."""
    return await records(connection, SealRow, _OF, {"id": report})


async def listed(
    connection: AsyncConnection,
    user_id: UUID | None,
    *,
    run_id: UUID | None = None,
    any_run: bool = True,
    before: int | None = None,
    limit: int = 50,
) -> list[SealRow]:
    """Reports that can be read, newest first.

    Args:
        user_id: on this user's documents; None for those on everybody's.
        run_id: on this run. any_run: also reports on runs, not only those over time.
        before: with lower numbers only.
    """
    values = {
        "user_id": user_id,
        "run_id": run_id,
        "any_run": any_run or run_id is not None,
        "before": before,
        "limit": limit,
    }
    return await records(connection, SealRow, _LISTED, values)


async def add(connection: AsyncConnection, row: SealRow) -> bool:
    """Add a link; False when its number was taken meanwhile."""
    values = {name: getattr(row, name) for name in SealRow.__slots__}
    return (await connection.execute(_ADD, values)).first() is not None


async def add_content(
    connection: AsyncConnection, report: UUID, user_id: UUID | None, content: bytes, page: bytes
) -> None:
    """Store what was signed, both gzipped."""
    values = {"id": report, "user_id": user_id, "content": content, "page": page}
    await connection.execute(_ADD_CONTENT, values)


async def content_of(connection: AsyncConnection, report: UUID) -> bytes | None:
    """The figures of a report, gzipped; None when they are not there, or not any more."""
    found: bytes | None = await connection.scalar(_CONTENT, {"id": report})
    return found


async def page_of(connection: AsyncConnection, report: UUID) -> bytes | None:
    """The page of a report, gzipped; None when it is not there, or not any more."""
    found: bytes | None = await connection.scalar(_PAGE, {"id": report})
    return found


async def reports_over(connection: AsyncConnection, user_id: UUID, mark: str) -> list[UUID]:
    """The reports that can be read and are over documents of a user, by `owner_mark`."""
    found = await connection.execute(_OVER, {"user_id": user_id, "mark": mark})
    return list(found.scalars())


async def remove_content(connection: AsyncConnection, report: UUID) -> None:
    """Erase what a report holds; its links in the chain stay."""
    await connection.execute(_REMOVE, {"id": report})
