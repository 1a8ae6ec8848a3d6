"""Loads made-up passages straight into our tables, and builds both indexes over them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from uuid import UUID

import psycopg
from pgvector.psycopg import register_vector

from benchmarks.search_scale.passages import DIMENSION, Passages, groups, passage_id, user_of, word
from pipeline.store import embedding_spaces, word_index
from pipeline.store.embedding_spaces import partition
from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA

SPACE = UUID(int=7)
Say = Callable[[str], None]

_DOCUMENTS = f"""
    INSERT INTO {SCHEMA}.documents (id, user_id, source, name)
    SELECT DISTINCT document_id, user_id, document_id::text, 'made-up.md' FROM made
    ON CONFLICT DO NOTHING
"""
_CHUNKS = f"""
    INSERT INTO {SCHEMA}.document_chunks (id, document_id, user_id, ordinal, occurrence, text,
        sha256, start_offset, end_offset, heading_path, tokens, search)
    SELECT id, document_id, user_id, ordinal, 0, text, md5(text), 0, length(text), '{{}}', 200,
           to_tsvector('simple', text)  -- they have no endings
    FROM made
"""
_VECTORS = f"""
    INSERT INTO {SCHEMA}.chunk_vectors (space_id, chunk_id, user_id, sha256, embedding)
    SELECT '{SPACE}', id, user_id, md5(text), embedding FROM made
"""
_MADE = """
    CREATE TEMP TABLE made (id uuid, document_id uuid, user_id uuid, ordinal int, text text,
                            embedding vector)
"""


async def make_space(database: Database) -> None:
    """The embedding space of the made-up vectors."""
    facts = {"provider": "made-up", "model": "made-up", "version": "1"}
    await embedding_spaces.ensure_space(database, SPACE, dimension=DIMENSION, **facts)


def load(url: str, passages: int, users: int, say: Say) -> None:
    """Fill the tables, going on where an earlier load was cut off.

    Args:
        url: of a superuser.
    """
    with psycopg.connect(url) as connection:
        register_vector(connection)
        connection.execute("SET synchronous_commit = off")
        connection.execute(_MADE)
        row = connection.execute(f"SELECT count(*) FROM {SCHEMA}.document_chunks").fetchone()
        there = int(row[0]) if row else 0
        for group in groups(passages):
            if group.first < there:
                continue
            _load(connection, group, users)
            if group.first % 100_000 == 0:
                say(f"loaded {group.first + len(group.words):,} passages")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def _load(connection: psycopg.Connection, group: Passages, users: int) -> None:
    columns = "id, document_id, user_id, ordinal, text, embedding"
    with connection.cursor().copy(f"COPY made ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["uuid", "uuid", "uuid", "int4", "text", "vector"])
        for row in _rows(group, users):
            copy.write_row(row)
    for statement in (_DOCUMENTS, _CHUNKS, _VECTORS, "TRUNCATE made"):
        connection.execute(statement)
    connection.commit()


def _rows(group: Passages, users: int) -> Iterator[tuple[object, ...]]:
    spelled = lru_cache(maxsize=200_000)(word)
    for row, (words, document) in enumerate(zip(group.words, group.documents, strict=True)):
        number = group.first + row
        text = " ".join([spelled(each) for each in words.tolist()])
        owner = user_of(int(document), users)
        yield (
            passage_id(number),
            UUID(int=int(document) + 10**6),
            owner,
            number % 20,
            text,
            group.vectors[row],
        )


async def index_words(database: Database, say: Say) -> float:
    """Index everything that is worth it; the seconds that it took."""
    started = time.perf_counter()
    for user in await word_index.waiting_users(database):
        while done := await word_index.index_waiting(database, user):
            say(f"indexed the words of {done:,} passages")
    return time.perf_counter() - started


async def index_vectors(database: Database, say: Say) -> float:
    """Build the vector index; the seconds that it took."""
    started = time.perf_counter()
    told = 0.0

    async def progress(share: float) -> None:
        nonlocal told
        if share > told + 0.1:
            told = share
            say(f"vector index: {share:.0%}")

    await embedding_spaces.build_index(database, SPACE, DIMENSION, progress)
    return time.perf_counter() - started


_SIZES = f"""
    SELECT 'table of passages', pg_table_size('{SCHEMA}.document_chunks')
    UNION ALL SELECT 'table of vectors', pg_table_size('{SCHEMA}.{partition(SPACE)}')
    UNION ALL SELECT 'vector index',
        coalesce(pg_relation_size(to_regclass('{SCHEMA}.{partition(SPACE)}_hnsw')), 0)
    UNION ALL SELECT 'word index', pg_total_relation_size('{SCHEMA}.word_postings')
        + pg_total_relation_size('{SCHEMA}.word_segments')
    UNION ALL SELECT 'list of what is not indexed',
        pg_total_relation_size('{SCHEMA}.unindexed_chunks')
"""


def sizes(url: str) -> dict[str, int]:
    """Bytes of the tables and indexes."""
    with psycopg.connect(url) as connection:
        return {name: int(size) for name, size in connection.execute(_SIZES).fetchall()}
