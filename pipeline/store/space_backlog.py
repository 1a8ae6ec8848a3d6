"""The backlog of a space that is filled beside another: published documents that it still lacks.

A publication writes vectors of one space, and owes its documents to every other space that is being
filled or kept, in the same transaction. Who fills a space works its backlog off. So a space is
whole when its backlog is empty, whatever was published, killed or refused meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.engine import Database
from pipeline.store.lock_order import FILLED_SPACES, advisory, lock_documents

_PAGE = 500

_AMONG_PUBLISHERS = sa.text(f"SELECT {advisory(FILLED_SPACES, chr(39) * 2, shared=True)}")
_ALONE = sa.text(f"SELECT {advisory(FILLED_SPACES, chr(39) * 2)}")


async def publishing(connection: AsyncConnection) -> None:
    """Keep the set of filled spaces as it is until the transaction ends; first of its locks."""
    await connection.execute(_AMONG_PUBLISHERS)


async def changing_spaces(connection: AsyncConnection) -> None:
    """Wait for every publication under way, and keep others from beginning until the end."""
    await connection.execute(_ALONE)


_OTHERS = sa.text(
    "SELECT EXISTS (SELECT FROM embedding_spaces WHERE filled_since IS NOT NULL AND id <> :space)"
)
_OWE = sa.text(
    """
    INSERT INTO space_backlog (space_id, document_id, user_id)
    SELECT s.id, d.id, d.user_id FROM documents AS d CROSS JOIN embedding_spaces AS s
    WHERE d.id = ANY(CAST(:documents AS uuid[])) AND s.filled_since IS NOT NULL AND s.id <> :space
    ORDER BY d.id, s.id ON CONFLICT DO NOTHING
    """
)
_PAID = sa.text(
    """
    DELETE FROM space_backlog
    WHERE space_id = :space AND document_id = ANY(CAST(:documents AS uuid[]))
    """
)


async def owe(connection: AsyncConnection, space_id: UUID, documents: Sequence[UUID]) -> None:
    """Owe documents to the spaces that are filled beside the one that they were published in.

    In the transaction that publishes them, which has locked them.
    """
    values = {"space": space_id, "documents": list(documents)}
    if await connection.scalar(_OTHERS, values):
        await connection.execute(_OWE, values)
        await forgive(connection, space_id, documents)


async def forgive(connection: AsyncConnection, space_id: UUID, documents: Sequence[UUID]) -> None:
    """Take documents off a space's backlog, in a transaction that has locked them."""
    await connection.execute(_PAID, {"space": space_id, "documents": list(documents)})


_LACKING = """
    EXISTS (
        SELECT FROM document_chunks AS c WHERE c.document_id = d.id AND NOT EXISTS (
            SELECT FROM chunk_vectors AS v WHERE v.space_id = :space AND v.chunk_id = c.id)
    )
"""
_SCAN = sa.text(
    """
    SELECT id FROM documents AS d
    WHERE d.id > :after AND d.deleted_at IS NULL AND d.published_job_id IS NOT NULL
    ORDER BY d.id LIMIT :most
    """
)
_OWE_LACKING = sa.text(
    f"""
    INSERT INTO space_backlog (space_id, document_id, user_id)
    SELECT :space, d.id, d.user_id FROM documents AS d
    WHERE d.id = ANY(CAST(:documents AS uuid[])) AND {_LACKING}
    ORDER BY d.id ON CONFLICT DO NOTHING
    """
)


async def owe_all(database: Database, space_id: UUID) -> None:
    """Owe a space every published document of which it lacks a vector."""
    after = UUID(int=0)
    while True:
        page = await _owe_page(database, space_id, after)
        if not page:
            return
        after = page[-1]


@retry_on_restart
async def _owe_page(database: Database, space_id: UUID, after: UUID) -> list[UUID]:
    async with database.service() as connection:
        page = list((await connection.execute(_SCAN, {"after": after, "most": _PAGE})).scalars())
        there = await lock_documents(connection, page)
        await owe_lacking(connection, space_id, sorted(there))
    return page


async def owe_lacking(
    connection: AsyncConnection, space_id: UUID, documents: Sequence[UUID]
) -> None:
    """Owe a space those of the documents of which it lacks a vector.

    In a transaction that has locked them.
    """
    await connection.execute(_OWE_LACKING, {"space": space_id, "documents": list(documents)})


_NEXT = sa.text(
    """
    SELECT document_id FROM space_backlog
    WHERE space_id = :space AND document_id > :after
      AND (CAST(:only AS uuid[]) IS NULL OR document_id = ANY(CAST(:only AS uuid[])))
    ORDER BY document_id LIMIT :most
    """
)


async def next_documents(
    connection: AsyncConnection,
    space_id: UUID,
    after: UUID,
    most: int,
    only: Collection[UUID] | None = None,
) -> list[UUID]:
    """The next documents that a space lacks, by their ids; of these alone, when given."""
    named = None if only is None else list(only)
    values = {"space": space_id, "after": after, "most": most, "only": named}
    return list((await connection.execute(_NEXT, values)).scalars())


_DONE = sa.text(
    f"""
    DELETE FROM space_backlog AS b USING documents AS d
    WHERE b.space_id = :space AND b.document_id = ANY(CAST(:documents AS uuid[]))
      AND d.id = b.document_id
      AND (d.deleted_at IS NOT NULL OR d.published_job_id IS NULL OR NOT {_LACKING})
    RETURNING b.document_id
    """
)


async def strike_off(
    connection: AsyncConnection, space_id: UUID, documents: Sequence[UUID]
) -> set[UUID]:
    """Take documents off the backlog that the space has whole, or that are gone; which.

    In a transaction that has locked them, so that none is published meanwhile.
    """
    values = {"space": space_id, "documents": list(documents)}
    return set((await connection.execute(_DONE, values)).scalars())


_COUNT = sa.text(
    """
    SELECT count(*) FROM space_backlog AS b JOIN documents AS d ON d.id = b.document_id
    WHERE b.space_id = :space AND d.deleted_at IS NULL AND d.published_job_id IS NOT NULL
    """
)


async def count(connection: AsyncConnection, space_id: UUID) -> int:
    """How many published documents a space lacks, of those that the connection's role sees."""
    return int(await connection.scalar(_COUNT, {"space": space_id}) or 0)
