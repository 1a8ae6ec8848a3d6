"""Performs one worker's steps on the store, each in its own transaction, for random histories.

Texts and vectors are made up and small; everything goes through the real store.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from uuid import UUID, uuid4

import numpy as np

from pipeline.documents import Chunk, Claim
from pipeline.errors import ChunkingError, EmbeddingError, NavigatorError, ParseCode, ParseError
from pipeline.identity import sha256_hex, space_id
from pipeline.states import JobState
from pipeline.store import (
    cancellation,
    chunk_buffer,
    claims,
    deletion,
    publication,
    registration,
    retrying,
    runs,
    vector_buffer,
)
from pipeline.store.claims import ClaimedJob
from pipeline.store.embedding_spaces import ensure_space
from pipeline.store.engine import Database
from pipeline.store.registration import PipelineVersion, Registered, Source
from pipeline.store.transitions import Actor, Move, move

DIMENSION = 4
SPACE = space_id("chaos", "tiny", DIMENSION, "1")
VERSION = PipelineVersion("local-1", "markdown-1:400/50", SPACE)
LEASE_SECONDS = 60.0
PERSON = Actor("person")
# Workers of machines that are not this one: never taken for dead, only their lease runs out.
FIRST, SECOND = "first-host/1/1/1", "second-host/1/1/1"
FAILURES: dict[JobState, tuple[JobState, NavigatorError]] = {
    JobState.PARSE_QUEUED: (JobState.FAILED_PARSE, ParseError(ParseCode.BROKEN, "Broken.")),
    JobState.PARSE_VALIDATED: (JobState.FAILED_CHUNKING, ChunkingError("No chunks.")),
    JobState.CHUNKS_STORED: (JobState.FAILED_EMBEDDING, EmbeddingError("Refused.")),
    JobState.EMBEDDINGS_STORED: (JobState.QUARANTINED, ChunkingError("Judged.")),
}


class Acts:
    """What workers and a person do to one user's documents."""

    def __init__(self, database: Database, user: UUID) -> None:
        self._database, self._user = database, user

    async def open_space(self) -> None:
        """Make the embedding space."""
        await ensure_space(
            self._database, SPACE, provider="chaos", model="tiny", dimension=DIMENSION, version="1"
        )

    async def take_in(self, name: str, content: str) -> Registered:
        """Register a source with these bytes in a run of its own."""
        sha256, run_id = sha256_hex(content), uuid4()
        given = Source(f"/files/{name}", name, sha256, len(content), f"raw/{sha256}")
        async with self._database.service() as connection:
            await runs.start_run(connection, run_id, self._user, "ingest")
            [found] = await registration.register(
                connection, self._user, [given], VERSION, run_id=run_id, actor="person"
            )
        return found

    async def claim(self, jobs: Sequence[UUID], worker: str) -> list[ClaimedJob]:
        """Take what is free."""
        async with self._database.service() as connection:
            return await claims.claim(connection, jobs, VERSION, worker, LEASE_SECONDS)

    async def step(self, job: ClaimedJob, target: JobState, now: JobState, worker: str) -> None:
        """Move a job on."""
        await self.move(Move(job.job_id, job.attempt, now, target), worker)

    async def move(self, made: Move, worker: str) -> None:
        """Make a move, if it is still the worker's to make."""
        async with self._database.service() as connection:
            await move(connection, [made], Actor(worker))

    async def chunk(self, job: ClaimedJob, texts: Sequence[str], worker: str) -> None:
        """Buffer a job's chunks, if the job is still the worker's."""
        made = Move(job.job_id, job.attempt, JobState.PARSE_VALIDATED, JobState.CHUNKS_STORED)
        async with self._database.service() as connection:
            if job.job_id in await move(connection, [made], Actor(worker)):
                await chunk_buffer.store(connection, [(job, chunks_of(texts))])

    async def embed(self, job: ClaimedJob, worker: str) -> None:
        """Reserve and keep what vectors the job lacks, then move it on when it lacks none."""
        async with self._database.service() as connection:
            reserved = await vector_buffer.reserve(
                connection, [job.job_id], SPACE, worker, LEASE_SECONDS
            )
        pending = reserved.texts
        vectors = np.array([vector(text.sha256) for text in pending], dtype=np.float32)
        async with self._database.service() as connection:
            if pending:
                await vector_buffer.persist(connection, SPACE, pending, vectors)
            missing = await vector_buffer.count_missing(connection, [job.job_id], SPACE)
        if not missing:
            await self.step(job, JobState.EMBEDDINGS_STORED, JobState.CHUNKS_STORED, worker)

    async def publish(self, job: ClaimedJob, worker: str) -> None:
        """Publish a job, if it is still the worker's."""
        async with self._database.service() as connection:
            await publication.publish(connection, [job.claim], SPACE, Actor(worker))

    async def prolong(self, held: Claim, worker: str, seconds: float) -> None:
        """Have a lease end so many seconds from now; before now, it has run out."""
        async with self._database.service() as connection:
            await claims.renew(connection, [held], worker, seconds)
            await vector_buffer.renew(connection, [held.job_id], worker, seconds)

    async def release(self, held: Claim, worker: str) -> None:
        """Give a job back."""
        async with self._database.service() as connection:
            await claims.release(connection, [held], worker)

    async def retry(self, jobs: Sequence[UUID]) -> None:
        """A person sends what failed or was cancelled back."""
        async with self._database.service() as connection:
            await retrying.retry_jobs(connection, jobs, PERSON)

    async def cancel(self, job: UUID) -> None:
        """A person stops a job."""
        async with self._database.service() as connection:
            await cancellation.cancel_jobs(connection, [job], self._user, PERSON)

    async def delete(self, documents: Sequence[UUID]) -> None:
        """A person deletes documents."""
        async with self._database.service() as connection:
            await deletion.delete_documents(connection, documents, PERSON)


def chunks_of(texts: Sequence[str]) -> list[Chunk]:
    """Each text as a chunk, on the page of its ordinal."""
    seen: Counter[str] = Counter()
    chunks, offset = [], 0
    for ordinal, text in enumerate(texts):
        end, page = offset + len(text), ordinal + 1
        chunks.append(
            Chunk(ordinal, seen[text], text, offset, end, ("Policy",), page, page, len(text))
        )
        seen[text] += 1
        offset = end + 2
    return chunks


def vector(sha256: str) -> list[float]:
    """A unit vector that depends on the hash alone."""
    parts = [int(sha256[i * 4 : i * 4 + 4], 16) + 1 for i in range(DIMENSION)]
    norm = math.sqrt(sum(part * part for part in parts))
    return [part / norm for part in parts]


def other_of(worker: str) -> str:
    """The other worker."""
    return SECOND if worker == FIRST else FIRST


def texts(name: str, version: str) -> list[str]:
    """A version's passages: one shared by all, one of the document, one of the version."""
    return ["everywhere", f"in {name}", f"{name} in version {version}", "everywhere"]
