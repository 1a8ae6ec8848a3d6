"""Ranks passages so that each counts once: its copies are told with it and push nothing away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.passage_copies import Candidate, Group, grouped
from pipeline.store.engine import records
from pipeline.store.rankings import Ranked

# When copies fill a ranking, so many times more candidates are asked for, up to a bound.
_WIDER, _MOST = 6, 5_000
_DISTINCT = 25

Rankings = tuple[list[Ranked], list[Ranked]]
"""By vectors, and by words."""

_CANDIDATES = sa.text(
    """
    SELECT id AS chunk_id, document_id, text, context, role,
           coalesce(heading_path[cardinality(heading_path)], '') AS heading
    FROM document_chunks WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)


@dataclass(frozen=True, slots=True)
class DistinctRankings:
    """Two rankings in which each passage stands once.

    Attributes:
        groups: by the chunk that stands for it, a passage with its copies among the candidates.
    """

    vectors: list[Ranked]
    words: list[Ranked]
    groups: dict[UUID, Group]


async def distinct_rankings(
    connection: AsyncConnection,
    rank: Callable[[int], Awaitable[Rankings]],
    limit: int,
    candidates: int,
) -> DistinctRankings:
    """Rank passages, each once.

    Args:
        rank: the rankings with at most so many chunks each, best first.
        limit: how many passages are wanted. candidates: how many chunks to begin with.
    """
    while True:
        vectors, words = await rank(candidates)
        found = await _distinct(connection, vectors, words)
        enough = max(limit, min(_DISTINCT, candidates))
        short = any(
            len(whole) >= candidates and len(left) < enough
            for whole, left in ((vectors, found.vectors), (words, found.words))
        )
        if not short or candidates >= _MOST:
            return found
        candidates = min(candidates * _WIDER, _MOST)


async def _distinct(
    connection: AsyncConnection, vectors: Sequence[Ranked], words: Sequence[Ranked]
) -> DistinctRankings:
    order = _best_first(vectors, words)
    read = await records(connection, Candidate, _CANDIDATES, {"ids": order})
    by_id = {each.chunk_id: each for each in read}
    groups = grouped([by_id[chunk] for chunk in order if chunk in by_id])
    stands_for = {
        member.chunk_id: group.first.chunk_id for group in groups for member in group.members
    }
    return DistinctRankings(
        _once(vectors, stands_for),
        _once(words, stands_for),
        {group.first.chunk_id: group for group in groups},
    )


def _best_first(vectors: Sequence[Ranked], words: Sequence[Ranked]) -> list[UUID]:
    """The chunks of both rankings by their better place, ties by id: more candidates change none
    of the order before."""
    best: dict[UUID, int] = {}
    for ranking in (vectors, words):
        for place, each in enumerate(ranking):
            best[each.chunk_id] = min(place, best.get(each.chunk_id, place))
    return sorted(best, key=lambda chunk: (best[chunk], chunk))


def _once(ranking: Iterable[Ranked], stands_for: dict[UUID, UUID]) -> list[Ranked]:
    """A ranking in which the first of a passage's copies takes the place of all."""
    seen: set[UUID] = set()
    once = []
    for each in ranking:
        chunk = stands_for.get(each.chunk_id, each.chunk_id)
        if chunk not in seen:
            seen.add(chunk)
            once.append(Ranked(chunk, each.score))
    return once
