"""Exchanges what is published for what a recipe has made of the same versions, in one transaction.

A reader sees all of the one before it and all of the other after it. What was published is kept as
the recipe that it was cut by, with its vectors in every space, so that the way back is the same
exchange and buys nothing. The rows are moved: the time grows with the corpus, and publications wait
for it; readers do not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import UsageError
from pipeline.store import recipes, remembered_sizes, space_backlog
from pipeline.store.lock_order import lock_jobs
from pipeline.store.recipes import VALID, Recipe
from pipeline.store.schema import document_chunks


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange of what is published.

    Attributes:
        kind: switch or rollback. reason: why a switch was forced; else empty.
        comparison: what the golden questions said, for a switch that was compared.
    """

    kind: str
    before: Recipe
    after: Recipe
    who: str
    reason: str = ""
    comparison: Mapping[str, Any] | None = None


_LOCK = sa.text(
    f"""
    SELECT d.id FROM documents AS d
    JOIN recipe_documents AS r ON r.document_id = d.id AND r.job_id = d.published_job_id
    WHERE r.recipe_id = :after AND d.deleted_at IS NULL AND {VALID}
    ORDER BY d.id FOR NO KEY UPDATE OF d
    """
)
_THESE = "document_id = ANY(CAST(:documents AS uuid[]))"
_CLEAR = sa.text(f"DELETE FROM recipe_documents WHERE recipe_id = :recipe AND {_THESE}")
_COLUMNS = ", ".join(each.name for each in document_chunks.columns if each.name != "published_at")
_KEEP = (
    """
    INSERT INTO recipe_documents
        (recipe_id, document_id, user_id, job_id, chunker, chunks, tokens)
    SELECT :before, d.id, d.user_id, j.id, j.chunker, coalesce(j.chunks, 0), coalesce(j.tokens, 0)
    FROM documents AS d JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE d.id = ANY(CAST(:documents AS uuid[])) ORDER BY d.id
    """,
    f"""
    INSERT INTO recipe_chunks (recipe_id, published_at, {_COLUMNS})
    SELECT :before, published_at, {_COLUMNS} FROM document_chunks WHERE {_THESE}
    """,
    f"""
    INSERT INTO recipe_vectors (recipe_id, space_id, chunk_id, user_id, sha256, embedding)
    SELECT :before, v.space_id, v.chunk_id, v.user_id, v.sha256, v.embedding
    FROM chunk_vectors AS v JOIN document_chunks AS c ON c.id = v.chunk_id WHERE c.{_THESE}
    """,
)
_PUT = (
    f"DELETE FROM document_chunks WHERE {_THESE}",
    f"""
    INSERT INTO document_chunks ({_COLUMNS})
    SELECT {_COLUMNS} FROM recipe_chunks WHERE recipe_id = :after AND {_THESE}
    """,
    f"""
    INSERT INTO chunk_vectors (space_id, chunk_id, user_id, sha256, embedding)
    SELECT v.space_id, v.chunk_id, v.user_id, v.sha256, v.embedding
    FROM recipe_vectors AS v
    JOIN recipe_chunks AS c ON c.recipe_id = v.recipe_id AND c.id = v.chunk_id
    WHERE v.recipe_id = :after AND c.{_THESE} AND v.space_id IN (
        SELECT id FROM embedding_spaces WHERE state <> 'retired')
    """,
)
_JOBS = sa.text(
    f"""
    UPDATE upload_jobs AS j SET chunker = r.chunker, chunks = r.chunks, tokens = r.tokens
    FROM recipe_documents AS r
    WHERE r.recipe_id = :after AND r.{_THESE} AND j.id = r.job_id
    """
)
_SPACES = sa.text(
    "SELECT id FROM embedding_spaces WHERE filled_since IS NOT NULL AND id <> :space ORDER BY id"
)
_NOTE = sa.text(
    """
    INSERT INTO recipe_switches (kind, from_tokens, from_overlap_tokens, from_chunker, to_tokens,
        to_overlap_tokens, to_chunker, documents, who, reason, comparison)
    VALUES (:kind, :from_tokens, :from_overlap, :from_chunker, :to_tokens, :to_overlap,
        :to_chunker, :number, :who, :reason, CAST(:comparison AS jsonb))
    """
)
# The exchange of a large corpus takes longer than any other statement may.
_PATIENT = sa.text("SELECT set_config('statement_timeout', '0', true)")


async def exchange(
    connection: AsyncConnection, made: Exchange, space_id: UUID, *, whole: bool
) -> int:
    """Exchange what is published, and have documents be cut so from now on; how many it were.

    Args:
        space_id: the space that answers; of a document that lacks a vector there nothing changes.
        whole: only when the recipe lacks no published document.

    Raises:
        UsageError: it lacks some.
    """
    await connection.execute(_PATIENT)
    await space_backlog.changing_spaces(connection)  # no publication is under way from here on
    lacking = (await recipes.use(connection, made.after, space_id)).lacking if whole else 0
    if lacking:
        raise UsageError(
            f"The recipe lacks {lacking:,} published documents.",
            remedy="Finish it with `navigator recipe build`, then switch.",
        )
    scope: dict[str, Any] = {"space": space_id}
    scope |= {"before": made.before.id, "after": made.after.id}
    documents = list((await connection.execute(_LOCK, scope)).scalars())
    scope["documents"] = documents
    await lock_jobs(connection, documents=documents)
    await connection.execute(_CLEAR, {"recipe": made.before.id, "documents": documents})
    for statement in (*_KEEP, *_PUT):
        await connection.execute(sa.text(statement), scope)
    await connection.execute(_JOBS, scope)
    await connection.execute(_CLEAR, {"recipe": made.after.id, "documents": documents})
    for space in list((await connection.execute(_SPACES, scope)).scalars()):
        await space_backlog.owe_lacking(connection, space, documents)
    await connection.execute(_NOTE, _told(made, len(documents)))
    await remembered_sizes.remember_sizes(connection, made.after.sizes)
    return len(documents)


def _told(made: Exchange, number: int) -> dict[str, Any]:
    before, after = made.before, made.after
    compared = None if made.comparison is None else json.dumps(made.comparison)
    return {
        "kind": made.kind, "number": number, "who": made.who, "reason": made.reason,
        "comparison": compared, "from_chunker": before.chunker, "to_chunker": after.chunker,
        "from_tokens": before.chunk_tokens, "from_overlap": before.chunk_overlap_tokens,
        "to_tokens": after.chunk_tokens, "to_overlap": after.chunk_overlap_tokens,
    }  # fmt: skip
