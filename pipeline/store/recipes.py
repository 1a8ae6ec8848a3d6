"""Recipes: what is published, cut a second time by other sizes, beside what readers see.

A recipe keeps chunks, words and vectors of its own for the version of each document that is
published. No search reads them but one that names the recipe (`recipe_reading`), until they are
exchanged for what readers see (`recipe_switching`). A version that is published makes what a recipe
has of the one before void, and takes it away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.chunk_sizes import ChunkSizes
from pipeline.documents import Chunk
from pipeline.identity import chunk_id
from pipeline.store.bulk_copy import copy_rows
from pipeline.store.engine import records, rows
from pipeline.store.lock_order import lock_documents
from pipeline.words import RULE


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to cut documents.

    Attributes:
        id: of the chunker's version: the same sizes and tokenizer are the same recipe.
        chunker: its version, as jobs keep it.
    """

    id: UUID
    chunker: str
    chunk_tokens: int
    chunk_overlap_tokens: int

    @property
    def sizes(self) -> ChunkSizes:
        """How large its chunks are."""
        return ChunkSizes(self.chunk_tokens, self.chunk_overlap_tokens)


@dataclass(frozen=True, slots=True)
class RecipeUse:
    """What is there of a recipe.

    Attributes:
        lacking: published documents that it lacks, or of which it lacks vectors in the space asked.
        refused: of these, those that the gate would not publish so.
    """

    id: UUID
    documents: int
    chunks: int
    tokens: int
    lacking: int
    refused: int


_ENSURE = sa.text(
    """
    INSERT INTO recipes (id, chunker, chunk_tokens, chunk_overlap_tokens)
    VALUES (:id, :chunker, :tokens, :overlap) ON CONFLICT (id) DO NOTHING
    """
)
_ALL = sa.text(
    "SELECT id, chunker, chunk_tokens, chunk_overlap_tokens FROM recipes ORDER BY created_at, id"
)


async def ensure(connection: AsyncConnection, recipe: Recipe) -> None:
    """Make a recipe when it is not there."""
    values = {"id": recipe.id, "chunker": recipe.chunker}
    sizes = {"tokens": recipe.chunk_tokens, "overlap": recipe.chunk_overlap_tokens}
    await connection.execute(_ENSURE, values | sizes)


async def all_recipes(connection: AsyncConnection) -> list[Recipe]:
    """Every recipe, the oldest first."""
    return await records(connection, Recipe, _ALL)


VALID = """
    r.refused IS NULL AND NOT EXISTS (
        SELECT FROM recipe_chunks AS c
        WHERE c.recipe_id = r.recipe_id AND c.document_id = r.document_id AND NOT EXISTS (
            SELECT FROM recipe_vectors AS v
            WHERE v.recipe_id = c.recipe_id AND v.space_id = :space AND v.chunk_id = c.id))
"""
"""SQL for whether a recipe has a document `r` whole, with its vectors in `:space`."""

_PUBLISHED = "d.published_job_id IS NOT NULL AND d.deleted_at IS NULL"
_USE = sa.text(
    f"""
    WITH made AS MATERIALIZED (
        SELECT r.*, {VALID} AS whole FROM recipe_documents AS r
        JOIN documents AS d ON d.id = r.document_id AND d.published_job_id = r.job_id
        WHERE r.recipe_id = :recipe AND d.deleted_at IS NULL
    )
    SELECT CAST(:recipe AS uuid) AS id, count(*) FILTER (WHERE whole)::int AS documents,
           coalesce(sum(chunks) FILTER (WHERE whole), 0)::bigint AS chunks,
           coalesce(sum(tokens) FILTER (WHERE whole), 0)::bigint AS tokens,
           (SELECT count(*) FROM documents AS d WHERE {_PUBLISHED}
               AND NOT EXISTS (SELECT FROM made WHERE made.document_id = d.id AND whole)
               AND NOT EXISTS (SELECT FROM upload_jobs AS j
                               WHERE j.id = d.published_job_id AND j.chunker = :chunker)
           )::int AS lacking,
           count(*) FILTER (WHERE refused IS NOT NULL)::int AS refused
    FROM made
    """
)


async def use(connection: AsyncConnection, recipe: Recipe, space_id: UUID) -> RecipeUse:
    """What is there of a recipe; a document that is published by it already is not lacking."""
    values = {"recipe": recipe.id, "chunker": recipe.chunker, "space": space_id}
    (found,) = await records(connection, RecipeUse, _USE, values)
    return found


@dataclass(frozen=True, slots=True)
class Uncut:
    """A published version that a recipe has not cut."""

    document_id: UUID
    job_id: UUID
    user_id: UUID
    file_sha256: str
    parsed_key: str | None
    language: str


_UNCUT = sa.text(
    f"""
    SELECT d.id AS document_id, j.id AS job_id, d.user_id, j.file_sha256, j.parsed_key,
           coalesce(j.language, '') AS language
    FROM documents AS d JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE d.id > :after AND {_PUBLISHED} AND j.chunker <> :chunker AND NOT EXISTS (
        SELECT FROM recipe_documents AS r
        WHERE r.recipe_id = :recipe AND r.document_id = d.id AND r.job_id = j.id)
    ORDER BY d.id LIMIT :most
    """
)


async def uncut(connection: AsyncConnection, recipe: Recipe, after: UUID, most: int) -> list[Uncut]:
    """The next published versions that a recipe has not cut and that are not cut so, by id."""
    values = {"recipe": recipe.id, "chunker": recipe.chunker, "after": after, "most": most}
    return await records(connection, Uncut, _UNCUT, values)


@dataclass(frozen=True, slots=True)
class CutDocument:
    """A published version as a recipe cuts it.

    Attributes:
        chunks: with the words of each, as the text of a `tsvector`.
        refused: why it cannot be published so; then there are no chunks.
    """

    of: Uncut
    chunks: Sequence[tuple[Chunk, str]] = ()
    refused: str | None = None


_COLUMNS = (
    ("id", "uuid"), ("document_id", "uuid"), ("user_id", "uuid"), ("ordinal", "int4"),
    ("occurrence", "int4"), ("text", "text"), ("sha256", "text"), ("start_offset", "int4"),
    ("end_offset", "int4"), ("heading_path", "text[]"), ("page_first", "int4"),
    ("page_last", "int4"), ("tokens", "int4"), ("context", "text"), ("role", "text"),
    ("words", "text"),
)  # fmt: skip
_NAMES = ", ".join(name for name, _ in _COLUMNS[:-1])
_STILL = sa.text(
    """
    SELECT published_job_id FROM documents
    WHERE id = ANY(CAST(:documents AS uuid[])) AND deleted_at IS NULL
    """
)
_CLEAR = sa.text(
    """
    DELETE FROM recipe_documents
    WHERE recipe_id = :recipe AND document_id = ANY(CAST(:documents AS uuid[]))
    """
)
_INSERT_DOCUMENTS = sa.text(
    """
    INSERT INTO recipe_documents
        (recipe_id, document_id, user_id, job_id, chunker, chunks, tokens, refused)
    VALUES (:recipe, :document, :user, :job, :chunker, :chunks, :tokens, :refused)
    """
)
_INSERT_CHUNKS = sa.text(
    f"""
    INSERT INTO recipe_chunks (recipe_id, {_NAMES}, search, words_rule)
    SELECT :recipe, {_NAMES}, words::tsvector, {RULE} FROM incoming_recipe_chunks
    """
)


async def store(connection: AsyncConnection, recipe: Recipe, cut: Sequence[CutDocument]) -> None:
    """Write versions as a recipe cuts them, as far as they are still what is published."""
    documents = [each.of.document_id for each in cut]
    await lock_documents(connection, documents)
    still = set((await connection.execute(_STILL, {"documents": documents})).scalars())
    kept = [each for each in cut if each.of.job_id in still]
    if not kept:
        return
    here = {"recipe": recipe.id, "documents": [each.of.document_id for each in kept]}
    await connection.execute(_CLEAR, here)
    await connection.execute(_INSERT_DOCUMENTS, [_document(recipe, each) for each in kept])
    await copy_rows(connection, "incoming_recipe_chunks", _COLUMNS, _rows(recipe, kept))
    await connection.execute(_INSERT_CHUNKS, {"recipe": recipe.id})


def _document(recipe: Recipe, cut: CutDocument) -> dict[str, Any]:
    return {
        "recipe": recipe.id, "document": cut.of.document_id, "user": cut.of.user_id,
        "job": cut.of.job_id, "chunker": recipe.chunker, "chunks": len(cut.chunks),
        "tokens": sum(chunk.tokens for chunk, _ in cut.chunks), "refused": cut.refused,
    }  # fmt: skip


def _rows(recipe: Recipe, cut: Sequence[CutDocument]) -> Iterable[tuple[object, ...]]:
    for each in cut:
        document, user = each.of.document_id, each.of.user_id
        for chunk, words in each.chunks:
            sha256 = chunk.sha256
            yield (
                chunk_id(document, recipe.chunker, sha256, chunk.occurrence), document, user,
                chunk.ordinal, chunk.occurrence, chunk.text, sha256, chunk.start, chunk.end,
                list(chunk.heading_path), chunk.page_first, chunk.page_last, chunk.tokens,
                chunk.context, chunk.role, words,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PastSwitch:
    """An exchange that was made: from which sizes to which, of how many documents."""

    created_at: datetime
    kind: str
    from_tokens: int
    from_overlap_tokens: int
    from_chunker: str
    to_tokens: int
    to_overlap_tokens: int
    to_chunker: str
    documents: int
    who: str
    reason: str


_SWITCHES = sa.text(
    """
    SELECT created_at, kind, from_tokens, from_overlap_tokens, from_chunker, to_tokens,
           to_overlap_tokens, to_chunker, documents, who, reason
    FROM recipe_switches ORDER BY id DESC LIMIT :most
    """
)


async def switches(connection: AsyncConnection, most: int = 20) -> list[PastSwitch]:
    """The last exchanges, newest first."""
    return await records(connection, PastSwitch, _SWITCHES, {"most": most})


_PAGE = sa.text(
    """
    SELECT document_id FROM recipe_documents WHERE recipe_id = :recipe
    ORDER BY document_id LIMIT 500
    """
)
_FORGET = sa.text(
    """
    DELETE FROM recipes WHERE id = :recipe
      AND NOT EXISTS (SELECT FROM recipe_documents WHERE recipe_id = :recipe)
    """
)


async def drop_page(connection: AsyncConnection, recipe: Recipe) -> int:
    """Remove some of what is there of a recipe, and in the end the recipe; how many documents."""
    found = [row["document_id"] for row in await rows(connection, _PAGE, {"recipe": recipe.id})]
    if found:
        await lock_documents(connection, found)
        await connection.execute(_CLEAR, {"recipe": recipe.id, "documents": found})
    else:
        await connection.execute(_FORGET, {"recipe": recipe.id})
    return len(found)
