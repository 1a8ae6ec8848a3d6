"""Search over what is published: vectors, full text, or both joined by reciprocal rank."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from pgvector import Vector
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.schema import SCHEMA
from pipeline.store.spaces import indexed_type


class SearchMode(StrEnum):
    """Which ranking answers."""

    HYBRID = "hybrid"
    VECTOR = "vector"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Query:
    """A question, ready for the database.

    Attributes:
        vector: float32 of the space's dimension; needed unless the mode is text.
        document: only this document, when given. tags: only documents that have all of them.
    """

    text: str
    mode: SearchMode
    space_id: UUID
    dimension: int
    vector: np.ndarray | None = None
    limit: int = 5
    document: UUID | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """One answer.

    Attributes:
        score: cosine similarity for vector, text rank for text, joined reciprocal rank for hybrid.
        vector_rank, text_rank: its place in each ranking, from 1, None when not in it.
    """

    score: float
    document_id: UUID
    source: str
    name: str
    page_first: int | None
    page_last: int | None
    heading_path: list[str]
    text: str
    chunk_id: UUID
    similarity: float | None
    vector_rank: int | None
    text_rank: int | None


# Candidates of each ranking, and the constant of reciprocal rank fusion (Cormack et al., 2009).
_CANDIDATES = 50
_RRF = 60
_FILTER = f"""
    JOIN {SCHEMA}.documents AS d ON d.id = c.document_id
    WHERE (CAST(:document AS uuid) IS NULL OR c.document_id = :document)
      AND d.tags @> CAST(:tags AS text[])
"""

_SETTINGS = sa.text(
    "SELECT set_config('hnsw.iterative_scan', 'strict_order', true),"
    " set_config('hnsw.ef_search', '100', true)"
)


def _vector_ranking(dimension: int) -> str:
    kind = indexed_type(dimension)
    return f"""
    SELECT c.id, 1 - (v.embedding::{kind} <=> CAST(:vector AS {kind})) AS score
    FROM {SCHEMA}.chunk_vectors AS v JOIN {SCHEMA}.document_chunks AS c ON c.id = v.chunk_id
    {_FILTER} AND v.space_id = :space
    ORDER BY v.embedding::{kind} <=> CAST(:vector AS {kind}), c.id LIMIT :candidates
    """  # noqa: S608


# A question's words are alternatives: a passage with more and rarer-together words ranks higher.
_TEXT_RANKING = f"""
    SELECT c.id, ts_rank_cd(c.search, q.words, 1) + ts_rank(c.search, q.words, 1) AS score
    FROM (SELECT replace(plainto_tsquery('english', :text)::text, '&', '|')::tsquery AS words) AS q
    CROSS JOIN {SCHEMA}.document_chunks AS c
    {_FILTER} AND c.search @@ q.words
    ORDER BY score DESC, c.id LIMIT :candidates
"""  # noqa: S608

_PASSAGES = sa.text(
    f"""
    SELECT c.id AS chunk_id, c.document_id, d.source, d.name, c.page_first, c.page_last,
           c.heading_path, c.text
    FROM {SCHEMA}.document_chunks AS c JOIN {SCHEMA}.documents AS d ON d.id = c.document_id
    WHERE c.id = ANY(CAST(:ids AS uuid[]))
    """  # noqa: S608
)


async def search(connection: AsyncConnection, query: Query) -> list[Passage]:
    """The best passages among those that the connection's role may see, best first."""
    values = {
        "text": query.text,
        "space": query.space_id,
        "document": query.document,
        "tags": list(query.tags),
        "candidates": max(_CANDIDATES, query.limit),
        "vector": None if query.vector is None else Vector(query.vector).to_text(),
    }
    vectors: list[sa.RowMapping] = []
    texts: list[sa.RowMapping] = []
    if query.mode is not SearchMode.TEXT:
        await connection.execute(_SETTINGS)
        vectors = await rows(connection, sa.text(_vector_ranking(query.dimension)), values)
    if query.mode is not SearchMode.VECTOR:
        texts = await rows(connection, sa.text(_TEXT_RANKING), values)
    return await _passages(connection, query, vectors, texts)


async def _passages(
    connection: AsyncConnection,
    query: Query,
    vectors: list[sa.RowMapping],
    texts: list[sa.RowMapping],
) -> list[Passage]:
    vector_rank = {row["id"]: rank for rank, row in enumerate(vectors, 1)}
    text_rank = {row["id"]: rank for rank, row in enumerate(texts, 1)}
    similarity = {row["id"]: float(row["score"]) for row in vectors}
    if query.mode is SearchMode.HYBRID:
        scores = fuse([vector_rank, text_rank])
    else:
        scores = {row["id"]: float(row["score"]) for row in vectors or texts}
    best = sorted(scores, key=lambda chunk: (-scores[chunk], chunk))[: query.limit]
    found = {row["chunk_id"]: row for row in await rows(connection, _PASSAGES, {"ids": best})}
    return [
        Passage(
            **found[chunk],
            score=scores[chunk],
            similarity=similarity.get(chunk),
            vector_rank=vector_rank.get(chunk),
            text_rank=text_rank.get(chunk),
        )
        for chunk in best
        if chunk in found
    ]


def fuse(rankings: Iterable[dict[UUID, int]]) -> dict[UUID, float]:
    """Reciprocal rank fusion, scaled so that first in every ranking is 1."""
    rankings = list(rankings)
    scores: dict[UUID, float] = {}
    for ranking in rankings:
        for chunk, rank in ranking.items():
            scores[chunk] = scores.get(chunk, 0.0) + (_RRF + 1) / (_RRF + rank) / len(rankings)
    return scores


_ELSEWHERE = sa.text(
    f"""
    SELECT count(*) FROM {SCHEMA}.documents AS d
    JOIN {SCHEMA}.upload_jobs AS j ON j.id = d.published_job_id
    WHERE d.deleted_at IS NULL AND j.space_id <> :space
    """  # noqa: S608
)


async def documents_in_other_spaces(connection: AsyncConnection, space_id: UUID) -> int:
    """How many published documents this space's search cannot find by vector."""
    return int(await connection.scalar(_ELSEWHERE, {"space": space_id}) or 0)
