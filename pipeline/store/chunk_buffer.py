"""The chunk buffer: staged with a job, read by the embedder and the gate until publication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.documents import Chunk
from pipeline.identity import chunk_id
from pipeline.store.bulk_copy import copy_rows
from pipeline.store.claims import ClaimedJob
from pipeline.store.engine import records

_COLUMNS = (
    ("job_id", "uuid"),
    ("ordinal", "int4"),
    ("chunk_id", "uuid"),
    ("user_id", "uuid"),
    ("occurrence", "int4"),
    ("text", "text"),
    ("sha256", "text"),
    ("start_offset", "int4"),
    ("end_offset", "int4"),
    ("heading_path", "text[]"),
    ("page_first", "int4"),
    ("page_last", "int4"),
    ("tokens", "int4"),
    ("context", "text"),
    ("role", "text"),
)
_NAMES = ", ".join(name for name, _ in _COLUMNS)
CHUNKS_OF_JOBS = """
    unnest(CAST(:jobs AS uuid[])) AS wanted(job_id)
    JOIN LATERAL (
        SELECT * FROM document_chunk_buffer AS own
        WHERE own.job_id = wanted.job_id OFFSET 0
    ) AS b ON true
"""
"""FROM: the buffered chunks `b` of `:jobs`, by index.

The buffers fill and empty faster than Postgres counts them. A planner that does not know them reads
all of a table, deleted rows included, and a run's time grows with its square. LATERAL with OFFSET 0
keeps it to look-ups by key, here and wherever a few thousand rows are found again. (LIMIT 1 would
have it scan for what it takes to be near the beginning, and is not there at all.)
"""

TEXT_OF_PUBLISHING = """
    JOIN LATERAL (
        SELECT * FROM document_chunk_buffer
        WHERE job_id = p.job_id AND ordinal = p.ordinal OFFSET 0
    ) AS b ON true
"""
"""JOIN: the buffered chunk `b` of each row `p` of `publishing`, where its text stays until then."""

_CLEAR = sa.text("DELETE FROM document_chunk_buffer WHERE job_id = ANY(CAST(:jobs AS uuid[]))")
_INSERT = sa.text(
    f"""
    INSERT INTO document_chunk_buffer ({_NAMES}) SELECT {_NAMES} FROM incoming_chunks
    ON CONFLICT DO NOTHING
    """
)


async def store(
    connection: AsyncConnection, chunked: Sequence[tuple[ClaimedJob, Sequence[Chunk]]]
) -> None:
    """Write the chunks of jobs, in place of any that an earlier attempt left."""
    await clear(connection, [job.job_id for job, _ in chunked])
    await copy_rows(
        connection,
        "incoming_chunks",
        _COLUMNS,
        (_row(job, chunk) for job, chunks in chunked for chunk in chunks),
    )
    await connection.execute(_INSERT)


async def clear(connection: AsyncConnection, job_ids: Sequence[UUID]) -> None:
    """Remove the chunks of jobs."""
    await connection.execute(_CLEAR, {"jobs": list(job_ids)})


def _row(job: ClaimedJob, chunk: Chunk) -> tuple[object, ...]:
    sha256 = chunk.sha256
    return (
        job.job_id,
        chunk.ordinal,
        chunk_id(job.document_id, job.chunker, sha256, chunk.occurrence),
        job.user_id,
        chunk.occurrence,
        chunk.text,
        sha256,
        chunk.start,
        chunk.end,
        list(chunk.heading_path),
        chunk.page_first,
        chunk.page_last,
        chunk.tokens,
        chunk.context,
        chunk.role,
    )


@dataclass(frozen=True, slots=True)
class BufferedChunk:
    """A chunk as the buffer holds it, for the gate."""

    job_id: UUID
    chunk_id: UUID
    ordinal: int
    occurrence: int
    text: str
    sha256: str
    start_offset: int
    end_offset: int
    heading_path: list[str]
    context: str
    tokens: int


_READ = sa.text(
    f"""
    SELECT b.job_id, chunk_id, ordinal, occurrence, text, sha256, start_offset, end_offset,
           heading_path, context, tokens
    FROM {CHUNKS_OF_JOBS} ORDER BY b.job_id, ordinal
    """
)


async def read(connection: AsyncConnection, job_ids: Sequence[UUID]) -> list[BufferedChunk]:
    """The buffered chunks of the jobs, by job and ordinal."""
    return await records(connection, BufferedChunk, _READ, {"jobs": list(job_ids)})


_JOBS_WITH = sa.text(
    """
    SELECT DISTINCT job_id FROM document_chunk_buffer
    WHERE sha256 = :sha256 AND job_id = ANY(CAST(:jobs AS uuid[]))
    """
)


async def jobs_with(
    connection: AsyncConnection, job_ids: Sequence[UUID], sha256: str
) -> list[UUID]:
    """Those of the jobs that hold a chunk with this content."""
    values = {"jobs": list(job_ids), "sha256": sha256}
    return list((await connection.execute(_JOBS_WITH, values)).scalars())
