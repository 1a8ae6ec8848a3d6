"""Ranks published chunks: by vector (cosine), and by words (BM25 in plain SQL).

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

from pipeline.store.embedding_spaces import indexed_type
from pipeline.store.engine import rows
from pipeline.store.folding import folded
from pipeline.store.search_filters import SearchFilter
from pipeline.text import normalize


@dataclass(frozen=True, slots=True)
class Ranked:
    """A chunk in a ranking: cosine similarity, or BM25 score."""

    chunk_id: UUID
    score: float


# A scan of so many vectors takes milliseconds and misses none. Above it the index answers.
EXACT_BELOW = 5_000
# The index is walked on until enough rows pass the filters (row-level security is one), and plans
# are made for the values at hand: a generic plan does not know the partition.
_SETTINGS = sa.text(
    "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),"
    " set_config('hnsw.ef_search', '100', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true)"
)


async def rank_by_vector(
    connection: AsyncConnection,
    vector: np.ndarray,
    space_id: UUID,
    scope: SearchFilter,
    limit: int,
) -> list[Ranked]:
    """The `limit` chunks nearest to `vector`, nearest first, ties by id.

    Exact where few chunks are in scope, or where the index finds fewer than there are.

    Args:
        vector: float32, as long as the space's dimension.
    """
    values = {
        **scope.values,
        "vector": Vector(vector).to_text(),
        "space": space_id,
        "limit": limit,
        "few": EXACT_BELOW,
    }
    await connection.execute(_SETTINGS)
    size = int(await connection.scalar(sa.text(_size(scope)), values) or 0)
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
"""SQL for a chunk's `search`: the headings above it and its context are words of it too."""

# The constants of BM25 as most engines set them.
_K1, _B = 1.2, 0.75
# A question is a sentence; of a pasted page the first words do.
_MAX_CHARACTERS = 4_000
_MAX_WORDS = 32
_WORDS = sa.text(
    f"""
    SELECT lexeme FROM (SELECT CAST(:text AS text) AS text) AS asked,
        unnest(to_tsvector('english', {folded("asked.text")}))
    ORDER BY positions[1], lexeme LIMIT :words
    """
)


async def rank_by_words(
    connection: AsyncConnection, text: str, scope: SearchFilter, limit: int
) -> list[Ranked]:
    """The `limit` chunks with the highest BM25 score, ties by id.

    A question's words are alternatives. One without any word to look for (only stop words or
    signs) ranks nothing.
    """
    asked = {"text": normalize(text[:_MAX_CHARACTERS]).text, "words": _MAX_WORDS}
    terms = [_as_tsquery(row["lexeme"]) for row in await rows(connection, _WORDS, asked)]
    if not terms:
        return []
    values = {**scope.values, "any": " | ".join(terms), "limit": limit}
    values |= {f"term{i}": term for i, term in enumerate(terms)}
    found = await rows(connection, sa.text(_bm25(scope, range(len(terms)))), values)
    return [Ranked(row["id"], float(row["score"])) for row in found]


def _as_tsquery(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _bm25(scope: SearchFilter, terms: Sequence[int]) -> str:
    # For one word `ts_rank_cd` is the sum of the weights of its places: here, their number.
    counts = ", ".join(
        f"ts_rank_cd('{{1, 1, 1, 1}}', c.words, CAST(:term{i} AS tsquery)) AS n{i}" for i in terms
    )
    rarity = ", ".join(
        f"ln(1 + (size - count(*) FILTER (WHERE n{i} > 0) + 0.5)"
        f" / (count(*) FILTER (WHERE n{i} > 0) + 0.5)) AS rarity{i}"
        for i in terms
    )
    score = " + ".join(f"rarity{i} * n{i} * {_K1 + 1} / (n{i} + shortness)" for i in terms)
    return f"""
    WITH found AS MATERIALIZED (
        SELECT c.id, length(c.words)::float AS length, {counts}
        FROM (
            -- unpacked once, for all the words
            SELECT c.id, c.search || ''::tsvector AS words
            FROM document_chunks AS c
            WHERE {scope.condition} AND c.search @@ CAST(:any AS tsquery) OFFSET 0
        ) AS c
    ),
    corpus AS (
        SELECT count(*)::float AS size
        FROM document_chunks AS c WHERE {scope.condition}
    ),
    weights AS MATERIALIZED (
        SELECT avg(length)::float AS mean, {rarity} FROM found, corpus GROUP BY size
    )
    SELECT id, {score} AS score
    FROM weights CROSS JOIN LATERAL (
        SELECT *, {_K1} * (1 - {_B} + {_B} * length / mean) AS shortness FROM found
    ) AS found
    ORDER BY score DESC, id LIMIT :limit
    """
