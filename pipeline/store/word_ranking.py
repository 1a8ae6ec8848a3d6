"""Ranks chunks by words with BM25: from the word index where there is one, else by a scan.

Both give the same scores. What is indexed is read as posting lists; chunks that wait to be indexed
are scanned, and what is gone since is left out, all in one statement and so of one moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import word_scan
from pipeline.store.engine import rows
from pipeline.store.posting_lists import Candidate, Postings, best, decoded, decoded_lengths
from pipeline.store.word_index import members, unpacked


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a question, as it stands in the index; one with a smaller weight counts less."""

    lexeme: str
    weight: float = 1.0


# A segment may be replaced, or a chunk removed, between the two statements of a ranking; then it is
# made again, of more candidates.
_TRIES = 3


async def rank_terms(
    connection: AsyncConnection,
    terms: Sequence[Term],
    condition: str,
    values: Mapping[str, Any],
    limit: int,
    *,
    indexed: bool,
) -> list[tuple[UUID, float]]:
    """The `limit` chunks with the highest BM25 score, ties by id.

    Args:
        indexed: whether any of the reader's words are indexed.
        terms: each lexeme once; they are alternatives.
        condition: SQL over `document_chunks AS c`: which chunks take part, "true" for all.
        values: the parameters of the condition.
    """
    if not terms:
        return []
    if condition == "true" and indexed:
        return await _from_index(connection, terms, limit)
    asked = word_scan.parameters([t.lexeme for t in terms], [t.weight for t in terms])
    statement = word_scan.bm25(condition, range(len(terms)))
    found = await rows(connection, sa.text(statement), {**values, **asked, "limit": limit})
    return [(row["id"], float(row["score"])) for row in found]


class _Row(NamedTuple):
    kind: str
    segment: int | None
    word: int | None
    number: int | None
    first: bytes | None
    second: bytes | None


async def _from_index(
    connection: AsyncConnection, terms: Sequence[Term], limit: int
) -> list[tuple[UUID, float]]:
    found: list[tuple[UUID, float]] = []
    for attempt in range(_TRIES):
        read = await _read(connection, terms)
        scored = await asyncio.to_thread(_score, read, terms, limit * 2**attempt)
        found, whole = await _named(connection, scored, read, limit)
        if whole:
            break
    return found


async def _read(connection: AsyncConnection, terms: Sequence[Term]) -> list[_Row]:
    """What the index and the waiting chunks say of the words; in binary, which is half as long."""
    lexemes = [term.lexeme for term in terms]
    values = {**word_scan.parameters(lexemes, [1.0] * len(terms)), "lexemes": lexemes}
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(_for_driver(len(terms)), values)
        found = [_Row(*row) for row in await cursor.fetchall()]
    # Scanned chunks come in the order of their ids, as those of a segment do: so ties are answered.
    return sorted(found, key=lambda row: row.first or b"" if row.kind == "scanned" else b"")


def _for_driver(terms: int) -> bytes:
    counts = " || ".join(f"int2send({count}::int2)" for count in word_scan.counts(range(terms)))
    statement = f"""
    WITH removed AS MATERIALIZED (SELECT chunk_id FROM removed_chunks)
    SELECT 'segment', s.id, NULL::int, s.chunks, s.lengths, s.dead FROM word_segments AS s
    UNION ALL
    SELECT 'members', s.id, NULL, NULL, s.chunk_ids, NULL
    FROM word_segments AS s WHERE EXISTS (SELECT FROM removed)
    UNION ALL
    SELECT 'removed', NULL, NULL, NULL, string_agg(uuid_send(chunk_id), ''), NULL
    FROM removed HAVING count(*) > 0
    UNION ALL
    SELECT 'list', s.id, w.place::int - 1, NULL, p.ordinals, p.counts
    FROM word_segments AS s
    CROSS JOIN unnest(CAST(:lexemes AS text[])) WITH ORDINALITY AS w(lexeme, place)
    CROSS JOIN LATERAL (
        SELECT ordinals, counts FROM word_postings
        WHERE segment_id = s.id AND lexeme = w.lexeme COLLATE "C" OFFSET 0
    ) AS p
    UNION ALL
    SELECT 'waiting', NULL, NULL, count(*)::int, NULL, NULL FROM unindexed_chunks
    UNION ALL
    SELECT 'scanned', NULL, NULL, length(c.words), uuid_send(c.id), {counts}
    FROM (
        SELECT c.id, c.search || ''::tsvector AS words
        FROM unindexed_chunks AS u JOIN document_chunks AS c ON c.id = u.chunk_id
        WHERE c.search @@ CAST(:any AS tsquery) OFFSET 0
    ) AS c
    """
    return sa.text(statement).compile(dialect=_DIALECT).string.encode()


_DIALECT = sa.dialects.registry.load("postgresql.psycopg")()


def _score(read: Sequence[_Row], terms: Sequence[Term], limit: int) -> list[Candidate]:
    parts, size = _parts(read, len(terms))
    return best(parts, [term.weight for term in terms], size, limit)


def _parts(read: Sequence[_Row], words: int) -> tuple[list[Postings], int]:
    """The posting lists of each segment and of what was scanned, and how many chunks there are."""
    gone = _removed(read)
    parts: dict[int, Postings] = {}
    size = 0
    for row in read:
        if row.kind == "segment":
            assert row.segment is not None
            assert row.number is not None
            dead = unpacked(row.second or b"", row.number)
            if row.segment in gone:
                dead = dead | gone[row.segment]
            living = ~dead if dead.any() else None
            parts[row.segment] = Postings(row.segment, decoded_lengths(row.first or b""), living)
            size += row.number - int(dead.sum())
        elif row.kind == "waiting":
            size += row.number or 0
    for row in read:
        if row.kind == "list":
            assert row.segment is not None
            assert row.word is not None
            parts[row.segment].add(row.word, *decoded(row.first or b"", row.second or b""))
    return [*parts.values(), _scanned(read, words)], size


def _removed(read: Sequence[_Row]) -> dict[int, np.ndarray]:
    """For each segment, which of its chunks are noted as gone and not marked there yet."""
    noted = next((row.first or b"" for row in read if row.kind == "removed"), b"")
    ids = [UUID(bytes=noted[start : start + 16]) for start in range(0, len(noted), 16)]
    return {
        row.segment: members(row.first or b"", ids)
        for row in read
        if row.kind == "members" and row.segment is not None
    }


def _scanned(read: Sequence[_Row], words: int) -> Postings:
    found = [row for row in read if row.kind == "scanned"]
    part = Postings(None, np.array([row.number for row in found], np.float64))
    counted = np.frombuffer(b"".join(row.second or b"" for row in found), ">i2")
    table = counted.reshape(len(found), words).astype(np.float64)
    for word in range(words):
        having = np.flatnonzero(table[:, word] > 0)
        part.add(word, having, table[having, word])
    return part


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
    read: Sequence[_Row],
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
