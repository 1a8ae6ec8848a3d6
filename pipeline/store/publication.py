"""Publishes: one transaction switches a document's readers from the old version to the new.

Only what changed is written: a chunk whose content is unchanged keeps its row and its vector, so
the vector index is touched only where the text was. Its content is unchanged when it is folded the
same: then the row takes the new spelling and its words and its vector stay.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.documents import Claim
from pipeline.errors import ServiceUnavailable
from pipeline.states import PUBLISHED, JobState
from pipeline.store import space_backlog
from pipeline.store.buffer_cleanup import clear
from pipeline.store.chunk_buffer import CHUNKS_OF_JOBS, TEXT_OF_PUBLISHING
from pipeline.store.chunk_words import WORDS, make_words
from pipeline.store.engine import rows
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor, Move, move
from pipeline.store.vector_owners import lenders, owner, owning
from pipeline.words import RULE


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish did.

    Attributes:
        complete: jobs whose documents are now published in this version.
        sent_back: jobs that lack a vector and go back to `chunks_stored`.
        inserted, deleted: chunks added and removed, over all documents.
    """

    complete: frozenset[UUID]
    sent_back: frozenset[UUID]
    inserted: int
    deleted: int


_PUBLISHED = listed(PUBLISHED)
# With the versions that readers see now, which this publication replaces.
_LOCK = sa.text(
    f"""
    WITH d AS MATERIALIZED (
        SELECT id, latest_job_id FROM documents
        WHERE id IN (SELECT document_id FROM upload_jobs
                     WHERE id = ANY(CAST(:ids AS uuid[]))) AND deleted_at IS NULL
        ORDER BY id FOR NO KEY UPDATE
    )
    SELECT j.id AS job_id, j.document_id, j.state, j.notes @> '[{{"gap": true}}]' AS has_gaps
    FROM d JOIN LATERAL (
        SELECT id FROM upload_jobs WHERE document_id = d.id OFFSET 0
    ) AS version ON true
    JOIN upload_jobs AS j ON j.id = version.id
    LEFT JOIN unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) AS held(id, attempt)
      ON j.id = held.id
    WHERE (j.id = d.latest_job_id AND j.attempt = held.attempt AND j.state = 'embeddings_stored'
           AND j.space_id = :space AND j.claimed_by = :worker)
       OR (j.id <> d.latest_job_id AND j.state IN ({_PUBLISHED}))
    ORDER BY j.id FOR NO KEY UPDATE OF j
    """
)
# A published vector is gathered before anything is deleted, because a deleted chunk may lend its
# vector to a new one; a buffered one is only named, and read where it lies, as is a chunk's text.
_PUBLISHING = sa.text(
    """
    CREATE TEMP TABLE IF NOT EXISTS publishing (
        job_id uuid, ordinal int, chunk_id uuid, user_id uuid, sha256 text, document_id uuid,
        known boolean, own boolean, buffered boolean, embedding vector
    ) WITH (toast_tuple_target = 8160) ON COMMIT DELETE ROWS
    """
)
_GATHER = sa.text(
    f"""
    INSERT INTO publishing
    SELECT b.job_id, b.ordinal, b.chunk_id, b.user_id, b.sha256, j.document_id,
           c.id IS NOT NULL, own.chunk_id IS NOT NULL, w.sha256 IS NOT NULL, v.embedding
    FROM {CHUNKS_OF_JOBS}
    JOIN upload_jobs AS j ON j.id = b.job_id
    LEFT JOIN LATERAL (
        SELECT id FROM document_chunks WHERE id = b.chunk_id OFFSET 0
    ) AS c ON true
    LEFT JOIN LATERAL (
        SELECT chunk_id FROM chunk_vectors
        WHERE space_id = :space AND chunk_id = b.chunk_id OFFSET 0
    ) AS own ON true
    LEFT JOIN LATERAL (
        SELECT sha256 FROM document_vector_buffer
        WHERE own.chunk_id IS NULL AND space_id = :space AND sha256 = b.sha256
          AND user_id = {owner("b")} AND embedding IS NOT NULL OFFSET 0
    ) AS w ON true
    LEFT JOIN LATERAL (
        SELECT (array_agg(embedding))[1] AS embedding FROM chunk_vectors AS other
        WHERE own.chunk_id IS NULL AND w.sha256 IS NULL
          AND other.space_id = :space AND other.sha256 = b.sha256
          AND other.user_id {lenders("b")}
    ) AS v ON true
    """
)
# Rows by the columns that the statements below look for.
_ANALYZE = sa.text("ANALYZE publishing (job_id, chunk_id, sha256, known, own, buffered)")
# Asked of what was gathered: a lender may be deleted by anyone until then. What a recipe has made
# of the version before goes with it.
_SET_ASIDE = sa.text(
    """
    WITH void AS (
        DELETE FROM recipe_documents AS r USING publishing AS p
        WHERE r.document_id = p.document_id
    ), lacking AS (SELECT DISTINCT job_id FROM publishing
                     WHERE embedding IS NULL AND NOT own AND NOT buffered)
    DELETE FROM publishing AS p USING lacking AS l WHERE p.job_id = l.job_id RETURNING l.job_id
    """
)
_DELETE = sa.text(
    """
    DELETE FROM document_chunks AS c
    WHERE c.document_id = ANY(CAST(:documents AS uuid[]))
      AND NOT EXISTS (SELECT FROM publishing AS p WHERE p.chunk_id = c.id)
    """
)
_MOVE = sa.text(
    f"""
    UPDATE document_chunks AS c SET ordinal = b.ordinal, start_offset = b.start_offset,
        end_offset = b.end_offset, page_first = b.page_first, page_last = b.page_last,
        text = b.text, heading_path = b.heading_path, context = b.context, role = b.role
    FROM publishing AS p {TEXT_OF_PUBLISHING}
    WHERE p.known AND p.chunk_id = c.id
      AND (c.ordinal, c.start_offset, c.end_offset, c.page_first, c.page_last, c.role,
           c.text, c.heading_path, c.context) IS DISTINCT FROM
          (b.ordinal, b.start_offset, b.end_offset, b.page_first, b.page_last, b.role,
           b.text, b.heading_path, b.context)
    """
)
_INSERT = sa.text(
    f"""
    INSERT INTO document_chunks (id, document_id, user_id, ordinal, occurrence, text,
        sha256, start_offset, end_offset, heading_path, page_first, page_last, tokens, context,
        role, search, words_rule)
    SELECT p.chunk_id, p.document_id, p.user_id, p.ordinal, b.occurrence, b.text,
        p.sha256, b.start_offset, b.end_offset, b.heading_path, b.page_first, b.page_last,
        b.tokens, b.context, b.role, w.words::tsvector, {RULE}
    FROM publishing AS p JOIN {WORDS} AS w ON w.chunk_id = p.chunk_id {TEXT_OF_PUBLISHING}
    WHERE NOT p.known
    """
)
_VECTORS = sa.text(
    f"""
    INSERT INTO chunk_vectors (space_id, chunk_id, user_id, sha256, embedding)
    SELECT :space, p.chunk_id, p.user_id, p.sha256, coalesce(p.embedding, w.embedding)
    FROM publishing AS p
    LEFT JOIN LATERAL (
        SELECT embedding FROM document_vector_buffer
        WHERE p.buffered AND space_id = :space AND sha256 = p.sha256
          AND user_id = {owner("p")} AND embedding IS NOT NULL OFFSET 0
    ) AS w ON true
    WHERE p.embedding IS NOT NULL OR w.embedding IS NOT NULL
    """
)
_OWED = sa.text("SELECT count(*) FROM publishing WHERE embedding IS NOT NULL OR buffered")
_POINT = sa.text(
    """
    UPDATE documents SET published_job_id = latest_job_id, updated_at = now()
    WHERE id = ANY(CAST(:documents AS uuid[]))
    """
)


async def publish(
    connection: AsyncConnection,
    claims: Sequence[Claim],
    space_id: UUID,
    actor: Actor,
    *,
    shared: bool = False,
    suites: Mapping[str, str] = MappingProxyType({}),
) -> Published:
    """Publish the claimed jobs of one embedding space, in the caller's transaction.

    A job that is no longer ours, superseded or deleted is left alone.

    Args:
        shared: everybody's vectors serve everybody; by default a user's own alone do.
        suites: the versions of those that judged them, by name.

    Raises:
        ServiceUnavailable: a shared vector was deleted meanwhile; nothing is written, try again.
    """
    started = time.perf_counter()
    held = {"ids": [c.job_id for c in claims], "attempts": [c.attempt for c in claims]}
    found = await rows(connection, _LOCK, {**held, "space": space_id, "worker": actor.name})
    locked = [row for row in found if row["state"] not in PUBLISHED]
    jobs = [row["job_id"] for row in locked]
    if not jobs:
        return Published(frozenset(), frozenset(), 0, 0)
    scope: dict[str, Any] = {"jobs": jobs, "space": space_id, **owning(shared=shared)}
    await connection.execute(_PUBLISHING)
    await connection.execute(_GATHER, scope)
    await connection.execute(_ANALYZE)
    lacking = set((await connection.execute(_SET_ASIDE)).scalars())
    attempts = {claim.job_id: claim.attempt for claim in claims}
    await move(connection, [_send_back(job, attempts[job]) for job in sorted(lacking)], actor)

    ready = [row for row in locked if row["job_id"] not in lacking]
    if not ready:
        return Published(frozenset(), frozenset(lacking), 0, 0)
    scope |= {
        "jobs": [row["job_id"] for row in ready],
        "documents": [row["document_id"] for row in ready],
    }
    deleted = (await connection.execute(_DELETE, scope)).rowcount
    await connection.execute(_MOVE, scope)
    await make_words(connection)
    inserted = (await connection.execute(_INSERT, scope)).rowcount
    written = (await connection.execute(_VECTORS, scope)).rowcount
    if written != await connection.scalar(_OWED):
        raise ServiceUnavailable("A vector was deleted in the moment of its publication.")
    await space_backlog.owe(connection, space_id, scope["documents"])
    documents = set(scope["documents"])
    replaced = {
        row["job_id"]: row["state"]
        for row in found
        if row["state"] in PUBLISHED and row["document_id"] in documents
    }
    old = [Move(job, None, JobState(replaced[job]), JobState.SUPERSEDED) for job in replaced]
    share = (time.perf_counter() - started) / len(ready)
    new = [_complete(row, attempts[row["job_id"]], share, suites) for row in ready]
    moved = await move(connection, [*old, *new], actor)
    await connection.execute(_POINT, scope)
    await clear(connection, space_id, scope["jobs"], scope["documents"], shared=shared)
    return Published(frozenset(moved - replaced.keys()), frozenset(lacking), inserted, deleted)


def _send_back(job: UUID, attempt: int) -> Move:
    why = {"why": "a shared vector was deleted before publishing"}
    return Move(job, attempt, JobState.EMBEDDINGS_STORED, JobState.CHUNKS_STORED, details=why)


def _complete(job: sa.RowMapping, attempt: int, seconds: float, suites: Mapping[str, str]) -> Move:
    state = JobState.COMPLETE_WITH_GAPS if job["has_gaps"] else JobState.COMPLETE
    facts = {"stage": "publish", "seconds": seconds, "suites": dict(suites)}
    return Move(job["job_id"], attempt, JobState.EMBEDDINGS_STORED, state, facts=facts)
