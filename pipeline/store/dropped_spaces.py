"""Drops an embedding space: its vectors, what was on its way to it, and what it was owed.

Its row stays, because switches and old jobs name it; its jobs become the answering space's, which
has their documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from pipeline.errors import UsageError
from pipeline.store import recipe_vectors, space_backlog
from pipeline.store.embedding_spaces import partition
from pipeline.store.engine import Database
from pipeline.store.lock_order import lock_documents
from pipeline.store.schema import SCHEMA


@dataclass(frozen=True, slots=True)
class Dropped:
    """What went with a space."""

    vectors: int


_RETIRE = sa.text(
    """
    UPDATE embedding_spaces SET state = 'retired', filled_since = NULL, indexed_at = NULL
    WHERE id = :space AND NOT EXISTS (
        SELECT FROM installation WHERE coalesce(active_space_id, :answers) = :space)
    """
)
_BUFFERED = sa.text(
    """
    WITH own AS (
        SELECT space_id, sha256, user_id FROM document_vector_buffer WHERE space_id = :space
        ORDER BY sha256, user_id FOR UPDATE
    )
    DELETE FROM document_vector_buffer AS w USING own AS o
    WHERE w.space_id = o.space_id AND w.sha256 = o.sha256 AND w.user_id = o.user_id
    """
)
# By id, a few thousand at a time, so that nothing waits long for any of them.
_ADOPT = sa.text(
    """
    WITH own AS (
        SELECT id FROM upload_jobs
        WHERE space_id = :space AND (claimed_by IS NULL OR lease_until < now())
          AND state IN ('complete', 'complete_with_gaps', 'superseded', 'deleted')
        ORDER BY id LIMIT 5000 FOR NO KEY UPDATE
    )
    UPDATE upload_jobs AS j SET space_id = :answers FROM own WHERE j.id = own.id
    """
)
_VECTORS = sa.text("SELECT count(*) FROM chunk_vectors WHERE space_id = :space")


async def drop(database: Database, space_id: UUID, answers: UUID) -> Dropped:
    """Drop a space.

    Args:
        answers: the space that answers questions.

    Raises:
        UsageError: it answers questions by now.
    """
    values = {"space": space_id, "answers": answers}
    async with database.service() as connection:
        await space_backlog.changing_spaces(connection)
        vectors = int(await connection.scalar(_VECTORS, values) or 0)
        await connection.execute(_BUFFERED, values)
        if (await connection.execute(_RETIRE, values)).rowcount != 1:
            raise UsageError(
                "The space answers questions by now: it is not dropped.",
                remedy="Look with `navigator space list`.",
            )
    while (
        await _forgive(database, space_id)
        or await _adopt(database, values)
        or await _forget_recipes(database, space_id)
    ):
        pass
    # Emptied, not dropped: that would lock out every reader of every space.
    name = f"{SCHEMA}.{partition(space_id)}"
    async with database.owner() as connection:
        await connection.execute(sa.text(f"DROP INDEX IF EXISTS {name}_hnsw"))
        await connection.execute(sa.text(f"TRUNCATE {name}"))
    return Dropped(vectors)


async def _forgive(database: Database, space_id: UUID) -> bool:
    """Take documents off its backlog; whether there were any."""
    async with database.service() as connection:
        owed = await space_backlog.next_documents(connection, space_id, UUID(int=0), 500)
        await lock_documents(connection, owed)
        await space_backlog.forgive(connection, space_id, owed)
    return bool(owed)


async def _adopt(database: Database, values: dict[str, UUID]) -> bool:
    async with database.service() as connection:
        return bool((await connection.execute(_ADOPT, values)).rowcount)


async def _forget_recipes(database: Database, space_id: UUID) -> bool:
    async with database.service() as connection:
        return await recipe_vectors.forget_space(connection, space_id)
