"""Reads how the indexes stand: what of the words is indexed, and each space's vector index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records
from pipeline.store.index_options import NARROWER


@dataclass(frozen=True, slots=True)
class WordFigures:
    """How the word index stands.

    Attributes:
        indexed: chunks in segments. waiting: chunks that searches scan.
        users: that have segments.
    """

    indexed: int
    waiting: int
    segments: int
    users: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SpaceFigures:
    """How a space's vector index stands.

    Attributes:
        bytes: of the index; None: there is none, and searches compare with every vector.
        narrower: an older release built it, or this one when it was small, so that it misses more
            than a new one would; None: there is none.
        recall, worst: as it was measured last, of how many questions and when; None: never.
    """

    space_id: UUID
    model: str
    dimension: int
    vectors: int
    bytes: int | None
    narrower: bool | None
    recall: float | None
    worst: float | None
    questions: int | None
    measured_at: datetime | None


_WORDS = sa.text(
    """
    SELECT coalesce(sum(chunks - dead_chunks), 0)::bigint AS indexed,
           (SELECT count(*) FROM unindexed_chunks) AS waiting,
           count(*) AS segments, count(DISTINCT user_id) AS users,
           (pg_total_relation_size('word_segments') + pg_total_relation_size('word_postings'))
               AS bytes
    FROM word_segments
    """
)
_SPACES = sa.text(
    f"""
    SELECT s.id AS space_id, s.model, s.dimension,
           (SELECT count(*) FROM chunk_vectors AS v WHERE v.space_id = s.id) AS vectors,
           built.bytes, built.narrower, r.recall, r.worst, r.questions, r.measured_at
    FROM embedding_spaces AS s
    LEFT JOIN vector_recall AS r ON r.space_id = s.id
    LEFT JOIN LATERAL (
        SELECT pg_relation_size(c.oid) AS bytes, {NARROWER} AS narrower
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indisvalid AND c.relnamespace = 'upload_pipeline'::regnamespace
          AND c.relname = 'chunk_vectors_' || left(replace(s.id::text, '-', ''), 16) || '_hnsw'
    ) AS built ON true
    ORDER BY s.created_at, s.id
    """
)


async def word_figures(connection: AsyncConnection) -> WordFigures:
    """How the word index of all users stands."""
    return (await records(connection, WordFigures, _WORDS))[0]


async def space_figures(connection: AsyncConnection) -> list[SpaceFigures]:
    """How the vector index of each space stands, the oldest space first."""
    return await records(connection, SpaceFigures, _SPACES)
