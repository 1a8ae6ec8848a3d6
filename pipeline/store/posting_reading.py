"""Reads what the word index and the waiting chunks say of a question's words, all of one moment.

With a filter, a chunk that does not pass it is treated as one that is gone: lengths, rarities and
numbers are then those of what passes, as a scan counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
import psycopg
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import word_scan
from pipeline.store.posting_lists import Postings, decoded, decoded_lengths, decoded_ordinals
from pipeline.store.search_filters import SearchFilter
from pipeline.store.word_index import members, unpacked


class Row(NamedTuple):
    """A row of the one statement; what its fields mean depends on the kind."""

    kind: str
    segment: int | None
    word: int | None
    number: int | None
    first: bytes | None
    second: bytes | None


async def read_index(
    connection: AsyncConnection, lexemes: Sequence[str], scope: SearchFilter
) -> list[Row]:
    """What the index and the waiting chunks say; in binary, which is half as long."""
    values = {
        **word_scan.parameters(lexemes, [1.0] * len(lexemes)),
        **scope.values,
        "lexemes": list(lexemes),
    }
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(_statement(len(lexemes), scope), values)
        found = [Row(*row) for row in await cursor.fetchall()]
    # Scanned chunks come in the order of their ids, as those of a segment do: so ties are answered.
    return sorted(found, key=lambda row: row.first or b"" if row.kind == "scanned" else b"")


def _statement(terms: int, scope: SearchFilter) -> bytes:
    counts = " || ".join(f"int2send({count}::int2)" for count in word_scan.counts(range(terms)))
    condition = scope.condition
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
    SELECT 'waiting', NULL, NULL, count(*)::int, NULL, NULL FROM {_waiting(condition)}
    UNION ALL
    SELECT 'scanned', NULL, NULL, length(c.words), uuid_send(c.id), {counts}
    FROM (
        SELECT c.id, c.search || ''::tsvector AS words
        FROM {_WAITING}
        WHERE {condition} AND c.search @@ CAST(:any AS tsquery) OFFSET 0
    ) AS c
    {_filtering(scope)}
    """
    return sa.text(statement).compile(dialect=_DIALECT).string.encode()


# By key each: until it is vacuumed, the planner takes the list to be as long as it ever was, and
# would look at all the user's chunks for the few that wait.
_WAITING = """unindexed_chunks AS u CROSS JOIN LATERAL (
        SELECT id, document_id, role, search FROM document_chunks WHERE id = u.chunk_id OFFSET 0
    ) AS c"""


def _waiting(condition: str) -> str:
    return "unindexed_chunks" if condition == "true" else f"{_WAITING} WHERE {condition}"


def _filtering(scope: SearchFilter) -> str:
    asked = ""
    if query := scope.documents_query:
        asked += f"""
        UNION ALL
        SELECT 'documents', s.id, NULL, NULL, s.document_ids, s.documents FROM word_segments AS s
        UNION ALL
        SELECT 'wanted', NULL, NULL, NULL, string_agg(uuid_send(d.id), ''), NULL
        FROM ({query}) AS d"""
    if scope.roles:
        asked += """
        UNION ALL
        SELECT 'role', s.id, r.place::int - 1, NULL, NULL, NULL
        FROM word_segments AS s
        CROSS JOIN unnest(s.role_names) WITH ORDINALITY AS r(name, place)
        WHERE r.name = ANY(CAST(:roles AS text[]))
        UNION ALL
        SELECT 'roles', s.id, NULL, NULL, s.roles, NULL FROM word_segments AS s"""
    return asked


_DIALECT = sa.dialects.registry.load("postgresql.psycopg")()

Mask = NDArray[np.bool_]


def parts_of(read: Sequence[Row], words: int) -> tuple[list[Postings], int]:
    """The posting lists of each segment and of what was scanned, and how many chunks there are."""
    gone, passing = _removed(read), _passing(read)
    parts: dict[int, Postings] = {}
    size = 0
    for row in read:
        if row.kind == "segment":
            assert row.segment is not None
            assert row.number is not None
            dead = unpacked(row.second or b"", row.number)
            if row.segment in gone:
                dead = dead | gone[row.segment]
            if row.segment in passing:
                dead = dead | ~passing[row.segment]
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


def _removed(read: Sequence[Row]) -> dict[int, Mask]:
    """For each segment, which of its chunks are noted as gone and not marked there yet."""
    noted = next((row.first or b"" for row in read if row.kind == "removed"), b"")
    ids = [UUID(bytes=noted[start : start + 16]) for start in range(0, len(noted), 16)]
    return {
        row.segment: members(row.first or b"", ids)
        for row in read
        if row.kind == "members" and row.segment is not None
    }


def _passing(read: Sequence[Row]) -> dict[int, Mask]:
    """For each segment, which of its chunks pass the filter; empty when there is none."""
    wanted = next((row.first or b"" for row in read if row.kind == "wanted"), b"")
    roles: dict[int, list[int]] = {}
    for row in read:
        if row.kind == "role" and row.segment is not None and row.word is not None:
            roles.setdefault(row.segment, []).append(row.word)
    found: dict[int, Mask] = {}
    for row in read:
        if row.segment is None or row.kind not in ("documents", "roles"):
            continue
        if row.kind == "documents":
            chosen = _among(row.first or b"", wanted)
            mask = chosen[decoded_ordinals(row.second or b"")]
        else:
            mask = np.isin(decoded_ordinals(row.first or b""), roles.get(row.segment, []))
        found[row.segment] = found[row.segment] & mask if row.segment in found else mask
    return found


_MIXED = np.uint64(0x9E3779B97F4A7C15)
_SHORT, _BITS = np.uint64(48), 16


def _among(ids: bytes, wanted: bytes) -> Mask:
    """Which ids, 16 bytes each, are among the wanted ones."""
    here, asked = _halves(ids), _halves(wanted)
    found = np.zeros(len(here), bool)
    if not len(asked):
        return found
    keys = _keys(asked)
    order = np.argsort(keys)
    keys, asked = keys[order], asked[order]
    if bool((keys[1:] == keys[:-1]).any()):  # by chance: then one by one
        known = set(np.frombuffer(wanted, "V16").tolist())
        return np.array([each in known for each in np.frombuffer(ids, "V16").tolist()], bool)
    # A large user's documents are in every segment: the beginning of its key tells for most of
    # them that they are not wanted, in a tenth of the time that a search takes.
    begins = np.zeros(1 << _BITS, bool)
    begins[keys >> _SHORT] = True
    own = _keys(here)
    likely = np.flatnonzero(begins[own >> _SHORT])
    at = np.minimum(np.searchsorted(keys, own[likely]), len(keys) - 1)
    found[likely] = (asked[at] == here[likely]).all(axis=1)
    return found


def _halves(ids: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(ids, np.uint64).reshape(-1, 2)


def _keys(halves: NDArray[np.uint64]) -> NDArray[np.uint64]:
    keys: NDArray[np.uint64] = (halves[:, 0] * _MIXED ^ halves[:, 1]) * _MIXED
    return keys


def _scanned(read: Sequence[Row], words: int) -> Postings:
    found = [row for row in read if row.kind == "scanned"]
    part = Postings(None, np.array([row.number for row in found], np.float64))
    counted = np.frombuffer(b"".join(row.second or b"" for row in found), ">i2")
    table = counted.reshape(len(found), words).astype(np.float64)
    for word in range(words):
        having = np.flatnonzero(table[:, word] > 0)
        part.add(word, having, table[having, word])
    return part
