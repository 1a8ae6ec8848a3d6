"""Ranks chunks by words with BM25: from the word index where there is one, else by a scan.

Both give the same scores. What is indexed is read as posting lists; chunks that wait to be indexed
are scanned, and what is gone since is left out, all in one statement and so of one moment. A filter
that few chunks pass is answered by a scan of those.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import word_scan
from pipeline.store.engine import rows
from pipeline.store.posting_lists import Candidate, best
from pipeline.store.posting_reading import Row, parts_of, read_index
from pipeline.store.search_filters import SearchFilter


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a question, as it stands in the index; one with a smaller weight counts less."""

    lexeme: str
    weight: float = 1.0


# A scan of so many chunks takes as long as the index of a large user.
_FEW = 2_000
# What the release before has indexed does not tell documents and roles.
_FILTERED = sa.text("SELECT coalesce(bool_and(documents IS NOT NULL), false) FROM word_segments")
# A plan for any filter looks at every chunk; one for the documents at hand goes to theirs.
_PLANNED = sa.text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
# A segment may be replaced, or a chunk removed, between the two statements of a ranking; then it is
# made again, of more candidates.
_TRIES = 3


async def rank_terms(
    connection: AsyncConnection,
    terms: Sequence[Term],
    scope: SearchFilter,
    limit: int,
    *,
    indexed: bool,
) -> list[tuple[UUID, float]]:
    """The `limit` chunks with the highest BM25 score, ties by id.

    Args:
        terms: each lexeme once; they are alternatives.
        scope: which chunks take part, as `narrowed` has left it; the statistics of the words are
            theirs too.
        indexed: whether any of the reader's words are indexed.
    """
    if not terms:
        return []
    if indexed and await _by_index(connection, scope):
        return await _from_index(connection, terms, scope, limit)
    if scope != SearchFilter():
        await connection.execute(_PLANNED)
    asked = word_scan.parameters([t.lexeme for t in terms], [t.weight for t in terms])
    statement = word_scan.bm25(scope.condition, range(len(terms)))
    found = await rows(connection, sa.text(statement), {**scope.values, **asked, "limit": limit})
    return [(row["id"], float(row["score"])) for row in found]


async def _by_index(connection: AsyncConnection, scope: SearchFilter) -> bool:
    if scope == SearchFilter():
        return True
    if not await connection.scalar(_FILTERED):
        return False
    if not scope.documents or scope != SearchFilter(scope.documents, roles=scope.roles):
        return True
    values = {**scope.values, "few": _FEW}
    return int(await connection.scalar(_NUMBER, values) or 0) == _FEW


# Document by document, by key: it ends with the first that are enough.
_NUMBER = sa.text(
    """
    SELECT count(*) FROM (
        SELECT FROM unnest(CAST(:documents AS uuid[])) AS d(id)
        CROSS JOIN LATERAL (
            SELECT FROM document_chunks WHERE document_id = d.id OFFSET 0
        ) AS c LIMIT :few
    ) AS counted
    """
)


async def _from_index(
    connection: AsyncConnection, terms: Sequence[Term], scope: SearchFilter, limit: int
) -> list[tuple[UUID, float]]:
    found: list[tuple[UUID, float]] = []
    for attempt in range(_TRIES):
        read = await read_index(connection, [term.lexeme for term in terms], scope)
        scored = await asyncio.to_thread(_score, read, terms, limit * 2**attempt)
        found, whole = await _named(connection, scored, read, limit)
        if whole:
            break
    return found


def _score(read: Sequence[Row], terms: Sequence[Term], limit: int) -> list[Candidate]:
    parts, size = parts_of(read, len(terms))
    return best(parts, [term.weight for term in terms], size, limit)


# By key each, whatever the planner expects of the number (decision 0012).
_NAMES = sa.text(
    """
    SELECT asked.place, c.id
    FROM unnest(CAST(:segments AS bigint[]), CAST(:ordinals AS int[]))
        WITH ORDINALITY AS asked(segment, ordinal, place)
    CROSS JOIN LATERAL (
        SELECT encode(substring(chunk_ids FROM asked.ordinal * 16 + 1 FOR 16), 'hex')::uuid AS id
        FROM word_segments WHERE id = asked.segment OFFSET 0
    ) AS named
    CROSS JOIN LATERAL (SELECT id FROM document_chunks WHERE id = named.id OFFSET 0) AS c
    """
)


async def _named(
    connection: AsyncConnection,
    scored: Sequence[Candidate],
    read: Sequence[Row],
    limit: int,
) -> tuple[list[tuple[UUID, float]], bool]:
    """The best candidates by their ids; and whether all of them are still there."""
    waiting = [row.first for row in read if row.kind == "scanned"]
    indexed = [each for each in scored if each.segment is not None]
    found = [
        (UUID(bytes=waiting[each.ordinal] or b""), each.score)
        for each in scored
        if each.segment is None
    ]
    if indexed:
        values = {
            "segments": [each.segment for each in indexed],
            "ordinals": [each.ordinal for each in indexed],
        }
        names = await rows(connection, _NAMES, values)
        found += [(row["id"], indexed[row["place"] - 1].score) for row in names]
    found.sort(key=lambda each: (-each[1], each[0]))
    return found[:limit], len(found) == len(scored)
