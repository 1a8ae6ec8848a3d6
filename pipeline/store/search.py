"""Searches published chunks: by vectors, full text, or both, fused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.job_notes import JobNote, gaps_of
from pipeline.ranking.fusion import CANDIDATES, UNKNOWN, Fusion
from pipeline.ranking.relevance import Evidence
from pipeline.store.engine import rows
from pipeline.store.rankings import Ranked, SearchFilter, rank_by_vector, rank_by_words


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
        roles: only passages that have one of them, when any is given.
        fusion: how a hybrid's two rankings become one.
    """

    text: str
    mode: SearchMode
    space_id: UUID
    dimension: int
    vector: np.ndarray | None = None
    limit: int = 5
    document: UUID | None = None
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    fusion: Fusion = UNKNOWN


@dataclass(frozen=True, slots=True)
class Passage:
    """One answer.

    Attributes:
        score: cosine similarity for vector, BM25 for text, both fused, 0 to 1, for hybrid.
        vector_rank, text_rank: its place in each ranking, from 1, None when not in it.
        context: what a reader sees beside it and needs: a table's caption and columns.
        role: what it is in an insurance document.
        gaps: what of its document was not read, what is about its own pages first.
        relevance: how probable it is that it answers, 0 to 1; None where nobody judged.
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
    context: str
    role: str
    gaps: tuple[JobNote, ...] = ()
    relevance: float | None = None

    @property
    def gap_here(self) -> bool:
        """Whether something was not read on the passage's own pages."""
        return any(note.on(self.page_first, self.page_last) for note in self.gaps)


_PASSAGES = sa.text(
    """
    SELECT c.id AS chunk_id, c.document_id, d.source, d.name, c.page_first, c.page_last,
           c.heading_path, c.text, c.context, c.role, coalesce(j.notes, '[]') AS notes
    FROM document_chunks AS c JOIN documents AS d ON d.id = c.document_id
    LEFT JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE c.id = ANY(CAST(:ids AS uuid[]))
    """
)


async def search(connection: AsyncConnection, query: Query) -> list[Passage]:
    """The best passages among those that the connection's role may see, best first."""
    return (await search_with_evidence(connection, query))[0]


async def search_with_evidence(
    connection: AsyncConnection, query: Query
) -> tuple[list[Passage], Evidence]:
    """The same, and what both rankings found: by it a relevance is judged."""
    scope = SearchFilter(query.document, query.tags, query.roles)
    limit = max(CANDIDATES, query.limit)
    vectors: list[Ranked] = []
    words: list[Ranked] = []
    if query.mode is not SearchMode.TEXT:
        assert query.vector is not None, "without a vector, only the text mode can answer"
        assert len(query.vector) == query.dimension, "the vector belongs to another space"
        vectors = await rank_by_vector(connection, query.vector, query.space_id, scope, limit)
    if query.mode is not SearchMode.VECTOR:
        words = await rank_by_words(connection, query.text, scope, limit)
    return await _passages(connection, query, vectors, words), Evidence.of(vectors, words)


async def _passages(
    connection: AsyncConnection,
    query: Query,
    vectors: list[Ranked],
    words: list[Ranked],
) -> list[Passage]:
    vector_rank = {each.chunk_id: rank for rank, each in enumerate(vectors, 1)}
    text_rank = {each.chunk_id: rank for rank, each in enumerate(words, 1)}
    similarity = {each.chunk_id: each.score for each in vectors}
    if query.mode is SearchMode.HYBRID:
        scores = query.fusion.scores(vectors, words)
    else:
        scores = {each.chunk_id: each.score for each in vectors or words}
    best = sorted(scores, key=lambda chunk: (-scores[chunk], chunk))[: query.limit]
    found = {row["chunk_id"]: row for row in await rows(connection, _PASSAGES, {"ids": best})}
    return [
        Passage(
            **_with_gaps(found[chunk]),
            score=scores[chunk],
            similarity=similarity.get(chunk),
            vector_rank=vector_rank.get(chunk),
            text_rank=text_rank.get(chunk),
        )
        for chunk in best
        if chunk in found
    ]


def _with_gaps(row: sa.RowMapping) -> dict[str, Any]:
    passage = dict(row)
    pages = (row["page_first"], row["page_last"])
    gaps = sorted(gaps_of(passage.pop("notes")), key=lambda note: not note.on(*pages))
    return {**passage, "gaps": tuple(gaps)}


_ELSEWHERE = sa.text(
    """
    SELECT count(*) FROM documents AS d
    JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE d.deleted_at IS NULL AND j.space_id <> :space
    """
)


async def documents_in_other_spaces(connection: AsyncConnection, space_id: UUID) -> int:
    """How many published documents this space's search cannot find by vector."""
    return int(await connection.scalar(_ELSEWHERE, {"space": space_id}) or 0)
