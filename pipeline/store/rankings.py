"""Ranks published chunks: by vector (cosine), and by words (BM25).

Both see only what the connection's role may see: row-level security is part of every statement, so
word statistics are those of the reader's own documents too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from pgvector import Vector
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.asked_words import WordFacts, word_facts, words_of_question
from pipeline.store.embedding_spaces import indexed_type
from pipeline.store.engine import rows
from pipeline.store.folding import folded
from pipeline.store.search_filters import SearchFilter
from pipeline.store.word_ranking import Term, rank_terms
from pipeline.words import NearWord


@dataclass(frozen=True, slots=True)
class Ranked:
    """A chunk in a ranking: cosine similarity, or BM25 score."""

    chunk_id: UUID
    score: float


# A scan of so many vectors takes milliseconds and misses none. Above it the index answers.
EXACT_BELOW = 5_000
# So many candidates are kept while the index is walked: among near-duplicates 100 missed all of a
# question's nearest at 200,000 vectors, 400 none, for 4 ms.
_EF_SEARCH = 400
# The index is walked on until enough rows pass the filters (row-level security is one), and plans
# are made for the values at hand: a generic plan does not know the partition.
_SET = sa.text(
    "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),"
    f" set_config('hnsw.ef_search', '{_EF_SEARCH}', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true)"
)


async def count_in_scope(connection: AsyncConnection, scope: SearchFilter) -> int:
    """How many chunks take part, counted to `EXACT_BELOW` at most."""
    values = {**scope.values, "few": EXACT_BELOW}
    return int(await connection.scalar(sa.text(_size(scope)), values) or 0)


async def rank_by_vector(
    connection: AsyncConnection,
    vector: np.ndarray,
    space_id: UUID,
    scope: SearchFilter,
    limit: int,
    size: int | None = None,
) -> list[Ranked]:
    """The `limit` chunks nearest to `vector`, nearest first, ties by id.

    Exact where few chunks are in scope, or where the index finds fewer than there are.

    Args:
        vector: float32, as long as the space's dimension.
        size: what `count_in_scope` says, where that is known.
    """
    values = {
        **scope.values,
        "vector": Vector(vector).to_text(),
        "space": space_id,
        "limit": limit,
    }
    await connection.execute(_SET)
    if size is None:
        size = await count_in_scope(connection, scope)
    found: list[sa.RowMapping] = []
    if size >= EXACT_BELOW:
        found = await rows(connection, sa.text(_nearest(scope, len(vector))), values)
    if len(found) < min(limit, size):
        found = await rows(connection, sa.text(_exactly_nearest(scope, len(vector))), values)
    return [Ranked(row["chunk_id"], 1 - float(row["distance"])) for row in found]


def _size(scope: SearchFilter) -> str:
    return f"""
    SELECT count(*) FROM (
        SELECT FROM document_chunks AS c WHERE {scope.condition} LIMIT :few
    ) AS counted
    """


def _nearest(scope: SearchFilter, dimension: int) -> str:
    # The inner order is the bare distance, which the index gives; more would keep it from use.
    kind = indexed_type(dimension)
    filtered = (
        ""
        if scope == SearchFilter()
        else f"""
            AND EXISTS (SELECT FROM document_chunks AS c
                        WHERE c.id = v.chunk_id AND {scope.condition})"""
    )
    return f"""
    WITH nearest AS MATERIALIZED (
        SELECT v.chunk_id, v.embedding::{kind} <=> CAST(:vector AS {kind}) AS distance
        FROM chunk_vectors AS v
        WHERE v.space_id = :space {filtered}
        ORDER BY v.embedding::{kind} <=> CAST(:vector AS {kind}) LIMIT :limit
    )
    SELECT chunk_id, distance FROM nearest ORDER BY distance, chunk_id
    """


def _exactly_nearest(scope: SearchFilter, dimension: int) -> str:
    # Added to zero, the distance is no order that the index could give.
    kind = indexed_type(dimension)
    return f"""
    SELECT v.chunk_id, (v.embedding::{kind} <=> CAST(:vector AS {kind})) + 0.0 AS distance
    FROM document_chunks AS c
    JOIN chunk_vectors AS v ON v.chunk_id = c.id
    WHERE v.space_id = :space AND {scope.condition}
    ORDER BY distance, v.chunk_id LIMIT :limit
    """


SEARCHABLE = f"""
    setweight(to_tsvector('english', {folded("array_to_string(heading_path, ' ')")}), 'A')
        || CASE WHEN context = '' THEN '' ELSE
               setweight(to_tsvector('english', {folded("context")}), 'B') END
        || to_tsvector('english', {folded("text")})
"""
"""SQL for a chunk's `search` by the rule before `pipeline.words`, which is rule 0."""


async def rank_by_words(
    connection: AsyncConnection,
    text: str,
    scope: SearchFilter,
    limit: int,
    near: Sequence[NearWord] = (),
    facts: WordFacts | None = None,
) -> list[Ranked]:
    """The `limit` chunks with the highest BM25 score, ties by id.

    A question's words are alternatives. One without any word to look for (only stop words or
    signs) ranks nothing.

    Args:
        near: what is taken for words that the reader's documents do not have.
        facts: of the reader's words; read when left out.
    """
    facts = await word_facts(connection) if facts is None else facts
    asked = await words_of_question(connection, text, facts, near)
    terms = [Term(each.lexeme, each.weight) for each in asked]
    found = await rank_terms(connection, terms, scope, limit, indexed=facts.has_index)
    return [Ranked(chunk_id, score) for chunk_id, score in found]
