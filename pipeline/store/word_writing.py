"""Writes one segment of the word index: its chunks with what searches filter by, and its lists.

The chunks are those of the temporary table `taken`. They are read in the order of their ids, once,
and everything that a segment holds is made of them outside of Postgres.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.bulk_copy import copy_lists
from pipeline.store.segment_words import SegmentWords, stored_ordinals

_T = TypeVar("_T", str, bytes)
_PAGE = 2_048
_LISTS = (("lexeme", "text"), ("ordinals", "bytea"), ("counts", "bytea"))

# A statement of its own: it sees the chunks as they are since their rows were locked. By key each,
# so that what is wide is never sorted.
_CHUNKS = b"""
    SELECT uuid_send(c.id), uuid_send(c.document_id), c.role, tsvectorsend(c.search)
    FROM (SELECT chunk_id FROM taken ORDER BY chunk_id) AS t
    CROSS JOIN LATERAL (
        SELECT id, document_id, role, search FROM document_chunks
        WHERE id = t.chunk_id AND user_id = %s OFFSET 0
    ) AS c
"""
_SEGMENT = sa.text(
    """
    INSERT INTO word_segments
        (user_id, chunks, chunk_ids, lengths, document_ids, documents, role_names, roles)
    VALUES (:user, :chunks, :chunk_ids, :lengths, :document_ids, :documents, :role_names, :roles)
    RETURNING id
    """
)
_POSTINGS = sa.text(
    """
    INSERT INTO word_postings (segment_id, lexeme, user_id, ordinals, counts)
    SELECT :segment, lexeme, :user, ordinals, counts FROM made_lists
    """
)
_EMPTY = sa.text("TRUNCATE made_lists")


@dataclass(slots=True)
class _Chunks:
    """What is read of the chunks, each list in the order of their ids."""

    ids: list[bytes] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    words: SegmentWords = field(default_factory=SegmentWords)

    def add(self, page: Sequence[tuple[bytes, bytes, str, bytes]]) -> None:
        ids, documents, roles, searches = zip(*page, strict=True)
        self.ids += ids
        self.documents += documents
        self.roles += roles
        self.words.add(searches)

    def stored(self) -> dict[str, Any]:
        """The columns of the segment's row."""
        documents, of_document = _numbered(self.documents)
        roles, of_role = _numbered(self.roles)
        lengths = np.minimum(np.array(self.words.lengths, np.int64), 65_535)
        return {
            "chunks": len(self.ids),
            "chunk_ids": b"".join(self.ids),
            "lengths": stored_ordinals(lengths),
            "document_ids": b"".join(documents),
            "documents": stored_ordinals(np.array(of_document, np.int64)),
            "role_names": roles,
            "roles": stored_ordinals(np.array(of_role, np.int64)),
        }


def _numbered(values: Sequence[_T]) -> tuple[list[_T], list[int]]:
    """The different values, and for each value its place among them."""
    places: dict[_T, int] = {}
    numbers = [places.setdefault(value, len(places)) for value in values]
    return list(places), numbers


async def write_segment(connection: AsyncConnection, user: UUID) -> int:
    """Write a segment of the chunks in `taken`, without those that are gone; how many it holds."""
    chunks = await _read(connection, user)
    if not chunks.ids:
        return 0
    values = {"user": user, **chunks.stored()}
    segment = await connection.scalar(_SEGMENT, values)
    await copy_lists(connection, "made_lists", _LISTS, chunks.words.lists())
    await connection.execute(_POSTINGS, {"user": user, "segment": segment})
    await connection.execute(_EMPTY)
    return len(chunks.ids)


async def _read(connection: AsyncConnection, user: UUID) -> _Chunks:
    chunks = _Chunks()
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    async with raw.cursor("taken_chunks") as cursor:
        await cursor.execute(_CHUNKS, (user,), binary=True)
        while page := await cursor.fetchmany(_PAGE):
            await asyncio.to_thread(chunks.add, page)
    return chunks
