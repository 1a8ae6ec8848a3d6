"""The floor: what a good programmer would write by hand in an afternoon, and nothing more.

Files are read and cut into windows of tokens in a thread, embedded in batches by the official SDK
(base64 answers, eight requests under way) and written by binary COPY into one plain table as the
answers come. No state, no versions, no gate, no retries, nothing that survives a kill.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

CHUNK_TOKENS, OVERLAP_TOKENS = 600, 50  # as a new installation of ours
BATCH_INPUTS, CONCURRENCY = 256, 8
# Documents cut in one visit to the thread; the requests for the first ones leave meanwhile.
_CUT_AT_ONCE = 50
_TABLE = """
    CREATE TABLE floor (document text, ordinal int, text text, embedding vector,
                        PRIMARY KEY (document, ordinal))
"""
Row = tuple[str, int, str]


async def run(files: Sequence[Path], database_url: str, openai_url: str, model: str) -> int:
    """Ingest the files into a fresh table `floor`; the number of chunks."""
    import psycopg
    from openai import AsyncOpenAI

    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("DROP TABLE IF EXISTS floor")
        await connection.execute(_TABLE)
    batches: asyncio.Queue[list[Row] | None] = asyncio.Queue(2 * CONCURRENCY)
    async with AsyncOpenAI(api_key="floor", base_url=openai_url) as client:
        cutting = asyncio.ensure_future(_cut(files, batches))
        senders = [_send(batches, client, model, database_url) for _ in range(CONCURRENCY)]
        await asyncio.gather(cutting, *senders)
    return cutting.result()


async def _cut(files: Sequence[Path], batches: asyncio.Queue[list[Row] | None]) -> int:
    splitter = Splitter()
    waiting: list[Row] = []
    total = 0
    for start in range(0, len(files), _CUT_AT_ONCE):
        rows = await asyncio.to_thread(splitter.rows, files[start : start + _CUT_AT_ONCE])
        total += len(rows)
        waiting += rows
        while len(waiting) >= BATCH_INPUTS:
            await batches.put(waiting[:BATCH_INPUTS])
            waiting = waiting[BATCH_INPUTS:]
    if waiting:
        await batches.put(waiting)
    for _ in range(CONCURRENCY):
        await batches.put(None)
    return total


async def _send(
    batches: asyncio.Queue[list[Row] | None], client: Any, model: str, database_url: str
) -> None:
    import psycopg
    from pgvector.psycopg import register_vector_async

    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await register_vector_async(connection)
        while (rows := await batches.get()) is not None:
            answer = await client.embeddings.create(model=model, input=[row[2] for row in rows])
            await _copy(connection, rows, [item.embedding for item in answer.data])
            await connection.commit()


async def _copy(connection: Any, rows: Sequence[Row], vectors: Sequence[list[float]]) -> None:
    import numpy as np

    async with (
        connection.cursor() as cursor,
        cursor.copy("COPY floor FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["text", "int4", "text", "vector"])
        for row, vector in zip(rows, vectors, strict=True):
            await copy.write_row((*row, np.asarray(vector, dtype=np.float32)))


class Splitter:
    """Windows of tokens: `CHUNK_TOKENS` long, each repeating `OVERLAP_TOKENS` of the last."""

    def __init__(self) -> None:
        from mocks.vectors import encoding

        self._encoding = encoding()

    def rows(self, files: Sequence[Path]) -> list[Row]:
        """The chunks of files: file name, ordinal, text."""
        return [
            (path.name, ordinal, text)
            for path in files
            for ordinal, text in enumerate(self.windows(path.read_text()))
        ]

    def tokens(self, text: str) -> list[int]:
        """The token ids of a text."""
        return self._encoding.encode_ordinary(text)

    def windows(self, text: str) -> Iterator[str]:
        """The windows of a text, in order; the last one ends with the text."""
        tokens = self.tokens(text)
        start = 0
        while True:
            yield self._encoding.decode(tokens[start : start + CHUNK_TOKENS])
            if start + CHUNK_TOKENS >= len(tokens):
                return
            start += CHUNK_TOKENS - OVERLAP_TOKENS


async def measure(
    files: Sequence[Path], database_url: str, openai_url: str, model: str
) -> dict[str, float]:
    """Ingest files once; seconds and chunks."""
    started = time.perf_counter()
    chunks = await run(files, database_url, openai_url, model)
    return {"seconds": time.perf_counter() - started, "documents": len(files), "chunks": chunks}


def main() -> None:
    """Ingest what the argument names, as a process of its own."""
    asked = json.loads(sys.argv[1])
    files = sorted(Path(asked.pop("folder")).iterdir())
    print(json.dumps(asyncio.run(measure(files, **asked))))


if __name__ == "__main__":
    main()
