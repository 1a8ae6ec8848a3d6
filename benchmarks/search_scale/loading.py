"""Loads made-up passages straight into our tables, and builds both indexes over them."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import psycopg

from benchmarks.search_scale.copying import (
    CHUNK_COLUMNS,
    END,
    FIRST_DOCUMENT,
    HEAD,
    VECTOR_COLUMNS,
    chunk_rows,
    vector_rows,
)
from benchmarks.search_scale.passages import DIMENSION, PASSAGES_OF_DOCUMENT, groups
from pipeline.store import embedding_spaces, word_index
from pipeline.store.embedding_spaces import partition
from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA

SPACE = UUID(int=7)
Say = Callable[[str], None]

_CHUNKS = f"COPY {SCHEMA}.document_chunks ({CHUNK_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_VECTORS = f"COPY {SCHEMA}.{partition(SPACE)} ({VECTOR_COLUMNS}) FROM STDIN (FORMAT BINARY)"
# One document of twenty is tagged.
_DOCUMENTS = f"""
    INSERT INTO {SCHEMA}.documents (id, user_id, source, name, tags)
    SELECT lpad(to_hex(n + {FIRST_DOCUMENT}), 32, '0')::uuid,
           lpad(to_hex(n %% %(users)s + 1), 32, '0')::uuid, 'made-up/' || n, 'made-up.md',
           CASE WHEN n %% 20 = 0 THEN ARRAY['auto'] ELSE '{{}}' END
    FROM generate_series(0, (%(passages)s - 1) / {PASSAGES_OF_DOCUMENT}) AS n
"""
_LANGUAGES = f"""
    INSERT INTO {SCHEMA}.word_languages (user_id, language)
    SELECT DISTINCT user_id, 'en' FROM {SCHEMA}.documents
"""
_NOT_INDEXED = f"""
    INSERT INTO {SCHEMA}.unindexed_chunks (user_id, chunk_id)
    SELECT user_id, id FROM {SCHEMA}.document_chunks ORDER BY user_id, id
"""
_TABLES = ("document_chunks", partition(SPACE))
# An index that is not ready is not kept by writes; built at the end it costs a tenth.
_REST_INDEXES = f"""
    UPDATE pg_index SET indisready = false, indisvalid = false
    WHERE indrelid = ANY(ARRAY[{", ".join(f"'{SCHEMA}.{name}'::regclass" for name in _TABLES)}])
"""
_QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "autovacuum": "off",
}


async def make_space(database: Database) -> None:
    """The embedding space of the made-up vectors."""
    facts = {"provider": "made-up", "model": "made-up", "version": "1"}
    await embedding_spaces.ensure_space(database, SPACE, dimension=DIMENSION, **facts)


def load(url: str, passages: int, users: int, say: Say) -> float:
    """Fill the tables, in one transaction and past triggers and indexes; the seconds it took.

    Args:
        url: of a superuser.
    """
    started = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in _QUICK.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        connection.execute("SELECT pg_reload_conf()")
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute(_REST_INDEXES)
        connection.commit()
        _fill(connection, passages, users, say)
        for table in _TABLES:
            connection.execute(f"REINDEX TABLE {SCHEMA}.{table}")
    with psycopg.connect(url, autocommit=True) as connection:
        for name in _QUICK:
            connection.execute(f"ALTER SYSTEM RESET {name}")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return time.perf_counter() - started


def _fill(connection: psycopg.Connection, passages: int, users: int, say: Say) -> None:
    connection.execute(f"TRUNCATE {SCHEMA}.documents CASCADE")
    connection.execute(_DOCUMENTS, {"passages": passages, "users": users})
    connection.execute(_LANGUAGES)
    for group in groups(passages):
        with connection.cursor().copy(_CHUNKS) as copy:
            copy.write(HEAD + b"".join(chunk_rows(group, users)) + END)
        with connection.cursor().copy(_VECTORS) as copy:
            copy.write(HEAD + vector_rows(group, users, SPACE) + END)
        if group.first % 100_000 == 0:
            say(f"loaded {group.first + len(group.words):,} passages")
    connection.execute(_NOT_INDEXED)
    connection.commit()


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
