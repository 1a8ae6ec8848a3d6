"""Deletes documents: their chunks, vectors, buffers and rows; running jobs are fenced.

The audit stays; it holds no document text. The stored objects are given up (`pending_objects.py`)
and removed after the commit: a row without its object would be a broken promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import JobState
from pipeline.store import holds, pending_objects
from pipeline.store.attachments import LOCK_JOBS, family
from pipeline.store.engine import rows
from pipeline.store.transitions import Actor, Move, move
from pipeline.store.vector_owners import shares


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion took away.

    Attributes:
        documents: ids that existed and were not deleted before.
        chunks: published chunks removed.
        held: documents that stay, because a legal hold keeps them or what is inside them.
    """

    documents: frozenset[UUID]
    chunks: int
    held: frozenset[UUID] = frozenset()


# What is inside a document goes with it.
_WITH_INSIDE = f"""
    SELECT id FROM documents
    WHERE id IN ({family("CAST(:ids AS uuid[])")}) AND deleted_at IS NULL
      AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
"""
_FAMILY = sa.text(_WITH_INSIDE)
_LOCK = sa.text(f"{_WITH_INSIDE} ORDER BY id FOR UPDATE")
_JOBS = sa.text(
    """
    SELECT id, state FROM upload_jobs
    WHERE document_id = ANY(CAST(:ids AS uuid[])) AND state <> 'deleted'
    """
)
_FENCE = sa.text(
    """
    -- what a file says of itself is its text
    UPDATE upload_jobs SET attempt = attempt + 1, facts = '{}', personal_data = NULL
    WHERE document_id = ANY(CAST(:ids AS uuid[]))
    """
)
_SHADOWS = sa.text(
    """
    WITH gone AS (
        SELECT r.shadow_id, r.job_id FROM shadow_results AS r
        JOIN upload_jobs AS j ON j.id = r.job_id
        WHERE j.document_id = ANY(CAST(:ids AS uuid[]))
        ORDER BY r.shadow_id, r.job_id FOR UPDATE OF r
    )
    DELETE FROM shadow_results AS r USING gone AS g
    WHERE r.shadow_id = g.shadow_id AND r.job_id = g.job_id
    """
)
_CHUNKS = sa.text("DELETE FROM document_chunks WHERE document_id = ANY(CAST(:ids AS uuid[]))")
_RECIPES = sa.text("DELETE FROM recipe_documents WHERE document_id = ANY(CAST(:ids AS uuid[]))")
_BUFFERS = sa.text(
    f"""
    WITH emptied AS (
        DELETE FROM document_chunk_buffer AS b USING upload_jobs AS j
        WHERE j.id = b.job_id AND j.document_id = ANY(CAST(:ids AS uuid[])) RETURNING b.sha256,
            b.user_id
    ), unwanted AS (
        SELECT w.space_id, w.sha256, w.user_id FROM document_vector_buffer AS w
        WHERE (EXISTS (SELECT FROM emptied AS e WHERE e.sha256 = w.sha256 AND {shares("e", "w")})
               OR w.job_id IN (SELECT id FROM upload_jobs
                               WHERE document_id = ANY(CAST(:ids AS uuid[]))))
          AND NOT EXISTS (SELECT FROM document_chunk_buffer AS b
                          JOIN upload_jobs AS j ON j.id = b.job_id
                          WHERE b.sha256 = w.sha256 AND {shares("b", "w")}
                            AND j.document_id <> ALL(CAST(:ids AS uuid[])))
        ORDER BY w.sha256, w.user_id, w.space_id FOR UPDATE OF w
    )
    DELETE FROM document_vector_buffer AS w USING unwanted AS u
    WHERE w.space_id = u.space_id AND w.sha256 = u.sha256 AND w.user_id = u.user_id
    """
)
_MARK = sa.text(
    """
    UPDATE documents SET deleted_at = now(), published_job_id = NULL, updated_at = now()
    WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)
# Bytes are stored once per user and hash, so another living document may share them.
_ORPHANED = sa.text(
    """
    WITH gone AS (
        SELECT DISTINCT user_id, file_sha256 FROM upload_jobs
        WHERE document_id = ANY(CAST(:ids AS uuid[]))
    ), orphaned AS (
        SELECT * FROM gone AS g WHERE NOT EXISTS (
            SELECT FROM upload_jobs AS j
            WHERE j.user_id = g.user_id AND j.file_sha256 = g.file_sha256 AND j.state <> 'deleted')
    ), unread AS (
        SELECT p.user_id, p.file_sha256, p.parser FROM parsed_files AS p
        JOIN orphaned AS o USING (user_id, file_sha256)
        ORDER BY p.user_id, p.file_sha256, p.parser FOR UPDATE OF p
    ), parsed AS (
        DELETE FROM parsed_files AS p USING unread AS u
        WHERE p.user_id = u.user_id AND p.file_sha256 = u.file_sha256 AND p.parser = u.parser
    )
    SELECT user_id, file_sha256 FROM orphaned
    """
)


# A correction quotes the document. The same bytes, sent again, are read as they are.
_DECISIONS = sa.text(
    """
    WITH gone AS (
        SELECT r.id FROM review_decisions AS r
        JOIN unnest(CAST(:users AS uuid[]), CAST(:shas AS text[])) AS g(user_id, sha256)
            ON r.user_id = g.user_id AND r.file_sha256 = g.sha256
        ORDER BY r.id FOR UPDATE OF r
    )
    DELETE FROM review_decisions AS r USING gone AS g WHERE r.id = g.id
    """
)


async def delete_documents(
    connection: AsyncConnection, ids: Sequence[UUID], actor: Actor, user: UUID | None = None
) -> Deleted:
    """Delete documents with all inside them, in the caller's transaction.

    Unknown and deleted ids are passed over, and so is what a legal hold keeps.

    Args:
        user: only this user's documents; None for anybody's.
    """
    values = {"ids": list(ids), "user_id": user}
    found = await _lock_family(connection, values)
    kept = await holds.held_of(connection, found)
    found = [each for each in found if each not in kept]
    if not found:
        return Deleted(frozenset(), 0, kept)
    scope = {"ids": found}
    await connection.execute(LOCK_JOBS, scope)
    jobs = await rows(connection, _JOBS, scope)
    moves = [Move(j["id"], None, JobState(j["state"]), JobState.DELETED) for j in jobs]
    await move(connection, moves, actor)
    await connection.execute(_FENCE, scope)
    await connection.execute(_RECIPES, scope)
    chunks = (await connection.execute(_CHUNKS, scope)).rowcount
    await connection.execute(_BUFFERS, scope)
    await connection.execute(_SHADOWS, scope)
    await connection.execute(_MARK, scope)
    orphaned = await rows(connection, _ORPHANED, scope)
    gone = [(r["user_id"], r["file_sha256"]) for r in orphaned]
    values = {"users": [user for user, _ in gone], "shas": [sha256 for _, sha256 in gone]}
    await connection.execute(_DECISIONS, values)
    await pending_objects.mark_orphaned(connection, gone)
    return Deleted(frozenset(found), chunks, kept)


async def _lock_family(connection: AsyncConnection, values: dict[str, Any]) -> list[UUID]:
    """Lock documents with all inside them.

    While the first look waited for a lock, a document may have got files inside; none comes after
    it, since who registers them needs the lock of the document that they are inside of. Then all
    is unlocked and locked again, so that it is locked in one order.
    """
    while True:
        attempt = await connection.begin_nested()
        found = [row["id"] for row in await rows(connection, _LOCK, values)]
        if set(found) == {row["id"] for row in await rows(connection, _FAMILY, values)}:
            await attempt.commit()
            return found
        await attempt.rollback()
