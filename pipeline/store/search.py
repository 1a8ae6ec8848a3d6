"""Searches published chunks: by vectors, full text, or both, fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.citations import Citation, Copy
from pipeline.companions.model import Companion
from pipeline.job_notes import JobNote, gaps_of
from pipeline.ranking.fusion import CANDIDATES, UNKNOWN, Fusion
from pipeline.ranking.relevance import Evidence
from pipeline.store.cited_passages import Asked, Cited, cited
from pipeline.store.distinct_passages import DistinctRankings, Rankings, distinct_rankings
from pipeline.store.narrowing import narrowed
from pipeline.store.rankings import (
    EXACT_BELOW,
    Ranked,
    count_in_scope,
    rank_by_vector,
    rank_by_words,
)
from pipeline.store.search_facts import SearchFacts
from pipeline.store.search_filters import SearchFilter
from pipeline.words import NearWord


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
        documents, tags, roles, since, until, languages: as of `SearchFilter`.
        near: what is taken for words that are mistyped.
        fusion: how a hybrid's two rankings become one.
        shown: of the passages so many are cited, with their copies; all when None.
        facts: of the reader's documents, when they are known already.
    """

    text: str
    mode: SearchMode
    space_id: UUID
    dimension: int
    vector: np.ndarray | None = None
    limit: int = 5
    documents: tuple[UUID, ...] = ()
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    near: tuple[NearWord, ...] = ()
    fusion: Fusion = UNKNOWN
    since: date | None = None
    until: date | None = None
    languages: tuple[str, ...] = ()
    shown: int | None = None
    facts: SearchFacts | None = None

    @property
    def scope(self) -> SearchFilter:
        """Which chunks take part."""
        return SearchFilter(
            self.documents, self.tags, self.roles, self.since, self.until, self.languages
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """One answer.

    Attributes:
        score: cosine similarity for vector, BM25 for text, both fused, 0 to 1, for hybrid.
        vector_rank, text_rank: its place in each ranking, from 1, None when not in it.
        context: what a reader sees beside it and needs: a table's caption and columns.
        role: what it is in an insurance document.
        gaps: what of its document was not read, what is about its own pages first.
        language: ISO 639-1 of its document, empty when it cannot be told.
        relevance: how probable it is that it answers, 0 to 1; None where nobody judged.
        citation: where exactly it stands; None for one that is not shown (`Query.shown`).
        copies: where else the same stands, at most a hundred. copy_count: in how many places.
        parsed_key: where its text is stored.
        companions: what must be read with it, most important first; only when asked for.
        companions_left_out: how many more there are than the room for them holds.
        rerank_score: between 0 and 1, of the model that read it again; None where none did.
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
    language: str = ""
    relevance: float | None = None
    citation: Citation | None = None
    copies: tuple[Copy, ...] = ()
    copy_count: int = 0
    parsed_key: str | None = None
    companions: tuple[Companion, ...] = ()
    companions_left_out: int = 0
    rerank_score: float | None = None

    @property
    def gap_here(self) -> bool:
        """Whether something was not read on the passage's own pages."""
        return any(note.on(self.page_first, self.page_last) for note in self.gaps)


async def search(connection: AsyncConnection, query: Query) -> list[Passage]:
    """The best passages among those that the connection's role may see, best first, each once."""
    return (await search_with_evidence(connection, query))[0]


async def search_with_evidence(
    connection: AsyncConnection, query: Query
) -> tuple[list[Passage], Evidence]:
    """The same, and what both rankings found: by it a relevance is judged."""
    first = max(CANDIDATES, query.limit)
    scope = await narrowed(connection, query.scope)
    if scope is None:
        return [], Evidence()
    size = await _size(connection, query, scope)

    async def rankings(limit: int) -> Rankings:
        return await _rankings(connection, query, scope, limit, size)

    found = await distinct_rankings(connection, rankings, query.limit, first)
    passages = await _passages(connection, query, found)
    return passages, Evidence.of(found.vectors, found.words, size)


async def _size(connection: AsyncConnection, query: Query, scope: SearchFilter) -> int:
    """How many passages take part, counted as far as matters; without asking where it is known."""
    if query.facts is not None and scope == SearchFilter():
        return min(query.facts.chunks, EXACT_BELOW)
    return await count_in_scope(connection, scope)


async def _rankings(
    connection: AsyncConnection, query: Query, scope: SearchFilter, limit: int, size: int
) -> Rankings:
    vectors: list[Ranked] = []
    words: list[Ranked] = []
    if query.mode is not SearchMode.TEXT:
        assert query.vector is not None, "without a vector, only the text mode can answer"
        assert len(query.vector) == query.dimension, "the vector belongs to another space"
        vectors = await rank_by_vector(connection, query.vector, query.space_id, scope, limit, size)
    if query.mode is not SearchMode.VECTOR:
        facts = None if query.facts is None else query.facts.words
        words = await rank_by_words(connection, query.text, scope, limit, query.near, facts)
    return vectors, words


async def _passages(
    connection: AsyncConnection, query: Query, ranked: DistinctRankings
) -> list[Passage]:
    vectors, words = ranked.vectors, ranked.words
    vector_rank = {each.chunk_id: rank for rank, each in enumerate(vectors, 1)}
    text_rank = {each.chunk_id: rank for rank, each in enumerate(words, 1)}
    similarity = {each.chunk_id: each.score for each in vectors}
    scores = _scores(query, vectors, words)
    best = _best(scores)[: query.limit]
    groups = [ranked.groups[chunk] for chunk in best if chunk in ranked.groups]
    asked = Asked(query.text, query.space_id, query.scope, query.near)
    found, cites = await cited(connection, groups, asked, query.shown)
    return [
        Passage(
            **_with_gaps(found[chunk]),
            score=scores[chunk],
            similarity=similarity.get(chunk),
            vector_rank=vector_rank.get(chunk),
            text_rank=text_rank.get(chunk),
            **_told(cites.get(chunk)),
        )
        for chunk in best
        if chunk in found
    ]


async def rank_chunks(connection: AsyncConnection, query: Query) -> list[UUID]:
    """The ids of the chunks that answer best, best first, copies too: a search without its reading.

    Its length is at most the limit of the query.
    """
    scope = await narrowed(connection, query.scope)
    if scope is None:
        return []
    size = await _size(connection, query, scope)
    found = await _rankings(connection, query, scope, query.limit, size)
    return _best(_scores(query, *found))[: query.limit]


def _scores(
    query: Query, vectors: Sequence[Ranked], words: Sequence[Ranked]
) -> Mapping[UUID, float]:
    if query.mode is SearchMode.HYBRID:
        return query.fusion.scores(vectors, words)
    return {each.chunk_id: each.score for each in vectors or words}


def _best(scores: Mapping[UUID, float]) -> list[UUID]:
    return sorted(scores, key=lambda chunk: (-scores[chunk], chunk))


def _told(cites: Cited | None) -> dict[str, Any]:
    if cites is None:
        return {}
    return {each.name: getattr(cites, each.name) for each in fields(cites)}


_OWN = (
    "chunk_id", "document_id", "source", "page_first", "page_last", "heading_path", "text",
    "context", "role", "notes", "language",
)  # fmt: skip


def _with_gaps(row: sa.RowMapping) -> dict[str, Any]:
    passage = {name: row[name] for name in _OWN} | {"name": row["document"]}
    pages = (row["page_first"], row["page_last"])
    gaps = sorted(gaps_of(passage.pop("notes")), key=lambda note: not note.on(*pages))
    return {**passage, "gaps": tuple(gaps)}
