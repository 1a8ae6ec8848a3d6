"""Asks Postgres the same questions as others do: `ts_rank` with GIN, and LangChain's hybrid.

Both read the very rows that our own search reads, as a superuser: no row-level security is in their
way, the user is a condition of the statement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import psycopg

from benchmarks.search_scale.loading import SPACE
from benchmarks.search_scale.measuring import TOP, ProcessorTime, Timed, timed
from benchmarks.search_scale.passages import DIMENSION, Asked
from pipeline.store.embedding_spaces import partition
from pipeline.store.schema import SCHEMA

_GIN = f"CREATE INDEX IF NOT EXISTS rival_gin ON {SCHEMA}.document_chunks USING gin (search)"
_VECTOR = f"vector({DIMENSION})"
# The rows as LangChain's table has them: content, embedding, words, and the user as metadata.
_VIEW = f"""
    CREATE OR REPLACE VIEW public.langchain_rows AS
    SELECT c.id AS langchain_id, c.text AS content, v.embedding::{_VECTOR} AS embedding,
           c.search AS content_tsv, v.user_id
    FROM {SCHEMA}.{partition(SPACE)} AS v JOIN {SCHEMA}.document_chunks AS c ON c.id = v.chunk_id
"""
# What a definer function beside the policies would ask, for any of the words.
_TS_RANK = f"""
    SELECT id FROM {SCHEMA}.document_chunks
    WHERE user_id = %(user)s AND search @@ %(any)s::tsquery
    ORDER BY ts_rank(search, %(any)s::tsquery) DESC LIMIT {TOP}
"""
# As langchain-postgres 0.0.19 sends them (`AsyncPGVectorStore.__query_collection`), with its
# defaults: four of each, the words all together.
_DENSE = f"""
    SELECT langchain_id, content, embedding, cosine_distance(embedding, %(vector)s::{_VECTOR})
        AS distance
    FROM langchain_rows WHERE user_id = %(user)s
    ORDER BY embedding <=> %(vector)s::{_VECTOR} LIMIT {TOP}
"""
_SPARSE = f"""
    SELECT langchain_id, content, embedding,
           ts_rank_cd(content_tsv, plainto_tsquery('pg_catalog.simple', %(text)s)) AS distance
    FROM langchain_rows
    WHERE content_tsv @@ plainto_tsquery('pg_catalog.simple', %(text)s) AND user_id = %(user)s
    ORDER BY distance DESC LIMIT {TOP}
"""
Ask = Callable[[psycopg.Connection, Asked], None]


def prepare(url: str) -> float:
    """Make the index and the view that the others need; the seconds that it took."""
    started = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute(_GIN)
        connection.execute(_VIEW)
        connection.execute(f"ANALYZE {SCHEMA}.document_chunks")
    return time.perf_counter() - started


def time_rivals(url: str, processor: ProcessorTime, questions: Sequence[Asked]) -> list[Timed]:
    """Ask every question of both."""
    with psycopg.connect(url, autocommit=True) as connection:
        return [
            _time(connection, processor, "`ts_rank` with GIN, any word", _ts_rank, questions),
            _time(connection, processor, "LangChain PGVector, hybrid", _langchain, questions),
        ]


def _time(
    connection: psycopg.Connection,
    processor: ProcessorTime,
    name: str,
    ask: Ask,
    questions: Sequence[Asked],
) -> Timed:
    for asked in questions[:2]:
        ask(connection, asked)
    processor.look()
    taken = []
    for asked in questions:
        started, busy = time.perf_counter(), processor.seconds()
        ask(connection, asked)
        taken.append((time.perf_counter() - started, processor.seconds() - busy))
    return timed(name, taken, None)


def _ts_rank(connection: psycopg.Connection, asked: Asked) -> None:
    query = " | ".join(f"'{word}'" for word in asked.text.split())
    connection.execute(_TS_RANK, {"user": asked.user, "any": query}).fetchall()


def _langchain(connection: psycopg.Connection, asked: Asked) -> None:
    vector = "[" + ",".join(map(str, asked.vector.tolist())) + "]"
    values = {"user": asked.user, "text": asked.text, "vector": vector}
    connection.execute(_DENSE, values).fetchall()
    connection.execute(_SPARSE, values).fetchall()
