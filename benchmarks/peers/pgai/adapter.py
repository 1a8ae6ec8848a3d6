"""Ingests a folder with pgai's vectorizer: run by the benchmark in an environment of its own.

As pgai's documentation has it: a table of documents, which a vectorizer watches, and one pass of
its worker. Windows are 1,600 characters, about our 400 tokens. One JSON object on stdout.
"""

# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("DD_TRACE_ENABLED", "false")  # its worker's tracing; nobody listens here

import pgai
import psycopg
import structlog
from pgai.vectorizer import CreateVectorizer, Worker, vectorizer
from pgai.vectorizer.configuration import (
    ChunkingRecursiveCharacterTextSplitterConfig,
    DestinationTableConfig,
    EmbeddingOpenaiConfig,
    LoadingColumnConfig,
)

DIMENSIONS, CONCURRENCY = 1536, 8
_TABLE = "CREATE TABLE IF NOT EXISTS documents (name text PRIMARY KEY, content text NOT NULL)"
# An unchanged row is left alone: the vectorizer's trigger takes any change for a new text.
_UPSERT = """
    INSERT INTO documents VALUES (%s, %s)
    ON CONFLICT (name) DO UPDATE SET content = excluded.content
    WHERE documents.content IS DISTINCT FROM excluded.content
"""


def set_up(connection: psycopg.Connection, asked: dict[str, str]) -> None:
    """Make the table and its vectorizer, unless they are there."""
    connection.execute(_TABLE)
    if connection.execute("SELECT 1 FROM ai.vectorizer").fetchone():
        return
    watching = CreateVectorizer(
        source="documents",
        destination=DestinationTableConfig(destination="documents_embeddings"),
        loading=LoadingColumnConfig(column_name="content"),
        embedding=EmbeddingOpenaiConfig(
            model=asked["model"], dimensions=DIMENSIONS, base_url=asked["openai_url"]
        ),
        chunking=ChunkingRecursiveCharacterTextSplitterConfig(chunk_size=1600, chunk_overlap=200),
    )
    connection.execute(watching.to_sql())


def main() -> None:
    """Ingest what the argument names, and say what came of it."""
    asked = json.loads(sys.argv[1])
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    os.environ["OPENAI_API_KEY"] = "benchmark"
    # It brings its tokenizers, and names them to its command only.
    os.environ["TIKTOKEN_CACHE_DIR"] = vectorizer.TIKTOKEN_CACHE_DIR
    started = time.perf_counter()
    pgai.install(asked["database_url"])
    files = [(path.name, path.read_text()) for path in sorted(Path(asked["folder"]).iterdir())]
    with psycopg.connect(asked["database_url"]) as connection:
        set_up(connection, asked)
        connection.cursor().executemany(_UPSERT, files)
    worker = Worker(
        asked["database_url"], once=True, poll_interval=timedelta(seconds=1),
        concurrency=CONCURRENCY,
    )  # fmt: skip
    if (failed := asyncio.run(worker.run())) is not None:
        raise failed
    seconds = time.perf_counter() - started
    with psycopg.connect(asked["database_url"]) as connection:
        found = "SELECT count(DISTINCT name), count(*) FROM documents_embeddings_store"
        documents, chunks = connection.execute(found).fetchone()
    print(json.dumps({"seconds": seconds, "documents": documents, "chunks": chunks}))


if __name__ == "__main__":
    main()
