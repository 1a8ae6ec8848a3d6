"""Jobs, chunks and vectors for the store's tests: small, deterministic, through the real store."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from uuid import UUID, uuid4

import numpy as np
import sqlalchemy as sa

from pipeline.documents import Chunk, embedding_text
from pipeline.identity import sha256_hex, space_id, user_id
from pipeline.states import WORKING, JobState
from pipeline.store import chunk_buffer, claims, publication, registration, runs, vector_buffer
from pipeline.store.chunk_words import keep_languages
from pipeline.store.claims import ClaimedJob
from pipeline.store.embedding_spaces import ensure_space
from pipeline.store.engine import Database, rows
from pipeline.store.publication import Published
from pipeline.store.registration import PipelineVersion, Registered, Source
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor, Move, move

DIMENSION = 4
SPACE = space_id("test", "tiny", DIMENSION, "1")
VERSION = PipelineVersion("local-1", "markdown-1:400/50", SPACE)
ANNA, BEN = user_id("anna"), user_id("ben")
# Workers of machines that are not this one: never taken for dead, only their lease runs out.
FIRST, SECOND = "first-host/1/1/1", "second-host/1/1/1"
LEASE = 60.0
TO_VALIDATED = tuple(itertools.pairwise(WORKING[:4]))


async def open_space(database: Database, version: PipelineVersion = VERSION) -> None:
    """Make the version's embedding space, of `DIMENSION` numbers."""
    await ensure_space(
        database,
        version.space_id,
        provider="test",
        model="tiny",
        dimension=DIMENSION,
        version=str(version.space_id),
    )


def source(name: str, content: str = "") -> Source:
    """A source whose bytes are `content`."""
    sha256 = sha256_hex(content or name)
    return Source(f"/files/{name}", name, sha256, len(content), f"raw/{sha256}")


async def new_run(database: Database, user: UUID = ANNA, *, asked: bool = True) -> UUID:
    """An open run."""
    run_id = uuid4()
    async with database.service() as connection:
        await runs.start_run(connection, run_id, user, "ingest", asked=asked)
    return run_id


async def register(
    database: Database,
    sources: Sequence[Source],
    user: UUID = ANNA,
    version: PipelineVersion = VERSION,
    tags: Sequence[str] = (),
) -> list[Registered]:
    """Register the sources in a run of their own."""
    run_id = await new_run(database, user)
    async with database.service() as connection:
        return await registration.register(
            connection, user, sources, version, run_id=run_id, actor="person", tags=tags
        )


async def registered_jobs(database: Database, count: int) -> list[UUID]:
    """So many waiting jobs."""
    found = await register(database, [source(f"{number}.md") for number in range(count)])
    return [each.job_id for each in found]


async def claim(
    database: Database,
    job_ids: Sequence[UUID],
    worker: str = FIRST,
    lease_seconds: float = LEASE,
    version: PipelineVersion = VERSION,
) -> list[ClaimedJob]:
    """Claim jobs in a transaction of its own."""
    async with database.service() as connection:
        return await claims.claim(connection, job_ids, version, worker, lease_seconds)


async def step(
    database: Database,
    job: ClaimedJob,
    start: JobState,
    target: JobState,
    worker: str = FIRST,
) -> bool:
    """One move by a worker; whether it was made."""
    async with database.service() as connection:
        made = Move(job.job_id, job.attempt, start, target)
        return job.job_id in await move(connection, [made], Actor(worker))


def passages(*texts: str) -> list[Chunk]:
    """Each text as a chunk, under one heading, on the page of its ordinal."""
    seen: Counter[str] = Counter()
    chunks, offset = [], 0
    for ordinal, text in enumerate(texts):
        end = offset + len(text)
        page = ordinal + 1
        chunks.append(
            Chunk(ordinal, seen[text], text, offset, end, ("Policy",), page, page, len(text))
        )
        seen[text] += 1
        offset = end + 2
    return chunks


def vector(sha256: str, dimension: int = DIMENSION) -> list[float]:
    """A unit vector that depends on the hash alone."""
    parts = [int(sha256[i * 4 : i * 4 + 4], 16) + 1 for i in range(dimension)]
    norm = math.sqrt(sum(part * part for part in parts))
    return [part / norm for part in parts]


async def store_chunks(
    database: Database, job: ClaimedJob, chunks: Sequence[Chunk], worker: str = FIRST
) -> bool:
    """The chunk stage: the move, and the chunks only when the job is still ours."""
    async with database.service() as connection:
        made = Move(job.job_id, job.attempt, JobState.PARSE_VALIDATED, JobState.CHUNKS_STORED)
        moved = await move(connection, [made], Actor(worker))
        held = [(job, chunks)] if job.job_id in moved else []
        await chunk_buffer.store(connection, held)
    return bool(held)


async def embed(
    database: Database,
    job_ids: Sequence[UUID],
    worker: str = FIRST,
    space: UUID = SPACE,
    dimension: int = DIMENSION,
) -> int:
    """Reserve what is missing and persist vectors for it; how many texts that were."""
    async with database.service() as connection:
        reserved = await vector_buffer.reserve(connection, job_ids, space, worker, LEASE)
    pending = reserved.texts
    vectors = np.array([vector(text.sha256, dimension) for text in pending], dtype=np.float32)
    async with database.service() as connection:
        await vector_buffer.persist(connection, space, pending, vectors)
    return len(pending)


async def ready(
    database: Database,
    job: ClaimedJob,
    *texts: str,
    worker: str = FIRST,
    dimension: int = DIMENSION,
) -> ClaimedJob:
    """Take a claimed job from `uploaded` to `embeddings_stored`, with these passages."""
    for start, target in TO_VALIDATED:
        assert await step(database, job, start, target, worker)
    assert await store_chunks(database, job, passages(*texts), worker)
    await embed(database, [job.job_id], worker, job.space_id, dimension)
    assert await step(database, job, JobState.CHUNKS_STORED, JobState.EMBEDDINGS_STORED, worker)
    return job


async def publish(
    database: Database, *jobs: ClaimedJob, worker: str = FIRST, space: UUID = SPACE
) -> Published:
    """Publish claimed jobs in one transaction."""
    async with database.service() as connection:
        done = await publication.publish(
            connection, [job.claim for job in jobs], space, Actor(worker)
        )
        await keep_languages(connection, list(done.complete))
        return done


async def published(
    database: Database,
    name: str,
    *texts: str,
    user: UUID = ANNA,
    worker: str = FIRST,
    version: PipelineVersion = VERSION,
) -> ClaimedJob:
    """A document with these passages, from registration to publication."""
    [registered] = await register(database, [source(name, "|".join(texts))], user, version)
    [job] = await claim(database, [registered.job_id], worker, version=version)
    await ready(database, job, *texts, worker=worker)
    done = await publish(database, job, worker=worker, space=version.space_id)
    assert done.complete == {job.job_id}
    return job


async def table(database: Database, name: str, columns: str = "*") -> list[sa.RowMapping]:
    """All rows of a table of ours, as the pipeline sees them."""
    async with database.service() as connection:
        return await rows(connection, sa.text(f"SELECT {columns} FROM {SCHEMA}.{name}"))


async def job_row(database: Database, job_id: UUID) -> sa.RowMapping:
    """One job's row."""
    query = sa.text(f"SELECT * FROM {SCHEMA}.upload_jobs WHERE id = :id")
    async with database.service() as connection:
        return (await rows(connection, query, {"id": job_id}))[0]


async def texts_of(database: Database, document: UUID, user: UUID = ANNA) -> list[str]:
    """The published passages of a document as its user reads them, in order."""
    query = sa.text(
        f"SELECT text FROM {SCHEMA}.document_chunks WHERE document_id = :id ORDER BY ordinal"
    )
    async with database.reader(user) as connection:
        return list((await connection.execute(query, {"id": document})).scalars())


def sha_of(text: str) -> str:
    """The content hash of a passage made by `passages`."""
    return sha256_hex(embedding_text(("Policy",), text))
