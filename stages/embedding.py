"""Embeds buffered chunks; deduplicates texts per embedding space and user, so each is sent once.

The texts of a user in the batch are packed together, so a small document costs no request of its
own.
Every answer is persisted as it arrives; a restart asks only for what is missing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from pipeline.errors import EmbeddingError, NavigatorError, TransientError
from pipeline.failpoints import failpoint
from pipeline.states import JobState
from pipeline.store import chunk_buffer, vector_buffer
from pipeline.store.claims import ClaimedJob
from pipeline.store.transitions import Move
from pipeline.store.vector_buffer import PendingText
from stages.batch import Batch, StageResult, failure, jobs_at, make_moves
from stages.embedding_requests import Sender, Sent
from stages.fencing import jobs_still_leased
from stages.service_waits import DocumentsWait
from stages.services import Services

_POLL_SECONDS = 0.2


async def embed(services: Services, batch: Batch) -> StageResult:
    """Embed what the batch lacks and move its jobs on.

    Raises:
        DocumentsWait: the embedder gave no answer for some; the others have moved on.
        TransientError: the database does not answer; the answers until then are kept.
        RunStopped: the cost cap or the account's quota is reached; the same.
    """
    jobs = await jobs_at(services, batch, JobState.CHUNKS_STORED)
    if not jobs:
        return StageResult()
    started = time.perf_counter()
    sender = Sender(services, batch)
    wanted = {job.job_id: job for job in jobs}
    refused: dict[ClaimedJob, NavigatorError] = {}
    waiting: dict[UUID, TransientError] = {}
    while wanted := _still(wanted, await jobs_still_leased(services, batch, wanted)):
        async with services.database.service() as connection:
            reserved = await vector_buffer.reserve(
                connection,
                list(wanted),
                services.version.space_id,
                services.worker,
                services.settings.lease_seconds,
                shared=services.settings.share_vectors,
            )
        failpoint("after-embed-reserve")
        if reserved.texts:
            sent = await sender.send(reserved.texts)
            if reserved.whole and sent.whole:
                break
            for text, error in sent.refused.items():
                for job in await _jobs_with(services, wanted.values(), text):
                    refused[wanted.pop(job)] = error
            for job in wanted.keys() & (unanswered := await _unanswered(services, wanted, sent)):
                waiting[job] = unanswered[job]
                del wanted[job]
        if await _all_there(services, wanted):
            break
        if not reserved.texts:
            # Another worker has these texts in flight for the same user: its answer is ours too.
            await asyncio.sleep(_POLL_SECONDS)
    seconds = (time.perf_counter() - started) / len(jobs)
    moves = [_embedded(job, seconds) for job in wanted.values()]
    moves += [_refused(job, error) for job, error in refused.items()]
    result = await make_moves(services, batch, moves)
    failpoint("after-embed-commit")
    if waiting:
        raise DocumentsWait(waiting, services.provider)
    return result


def _still(jobs: dict[UUID, ClaimedJob], held: Collection[UUID]) -> dict[UUID, ClaimedJob]:
    """Without those that another worker has: it buys what they lack."""
    return {job: each for job, each in jobs.items() if job in held}


async def _unanswered(
    services: Services, jobs: Mapping[UUID, ClaimedJob], sent: Sent
) -> dict[UUID, TransientError]:
    """The jobs that lack a text without an answer, with the reason."""
    return {
        job: error
        for text, error in sent.unanswered.items()
        for job in await _jobs_with(services, jobs.values(), text)
    }


async def _all_there(services: Services, jobs: Collection[UUID]) -> bool:
    space, shared = services.version.space_id, services.settings.share_vectors
    async with services.database.service() as connection:
        left = await vector_buffer.count_missing(connection, list(jobs), space, shared=shared)
    return left == 0


async def _jobs_with(
    services: Services, jobs: Iterable[ClaimedJob], text: PendingText
) -> list[UUID]:
    """The jobs that a refusal of the text is about: none of another owner."""
    asked = [job.job_id for job in jobs if text.shared or job.user_id == text.user_id]
    async with services.database.service() as connection:
        return await chunk_buffer.jobs_with(connection, asked, text.sha256)


def _embedded(job: ClaimedJob, seconds: float) -> Move:
    facts = {"stage": "embed", "seconds": seconds}
    return Move(job.job_id, job.attempt, job.state, JobState.EMBEDDINGS_STORED, facts=facts)


def _refused(job: ClaimedJob, error: NavigatorError) -> Move:
    assert isinstance(error, EmbeddingError)
    return failure(job, JobState.FAILED_EMBEDDING, error, "embed")
