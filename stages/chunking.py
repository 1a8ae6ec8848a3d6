"""Chunks parsed text into the chunk buffer."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.chunking import chunk_document
from pipeline.chunking.options import ChunkerOptions
from pipeline.compute_child import compute_beside
from pipeline.concurrency import gather_bounded
from pipeline.documents import Chunk, ParsedDocument
from pipeline.errors import ChunkingError, NavigatorError
from pipeline.failpoints import failpoint
from pipeline.personal_data import personal_data
from pipeline.states import JobState
from pipeline.store import chunk_buffer
from pipeline.store.claims import ClaimedJob
from pipeline.store.transitions import Move, move
from pipeline.tokens import Tokenizer, tokenizer
from stages.batch import Batch, StageResult, actor, failure, jobs_at
from stages.services import Services
from stages.text_storage import parsed_texts

# Chunks of about this many characters of text are written in one transaction.
_GROUP_CHARACTERS = 1_000_000


async def chunk(services: Services, batch: Batch) -> StageResult:
    """Cut the validated jobs' texts and buffer the chunks, a group of documents at a time."""
    jobs = await jobs_at(services, batch, JobState.PARSE_VALIDATED)
    groups = _groups(services, jobs)
    # One is cut while another is written.
    stored = gather_bounded(2, (_store(services, batch, *group) async for group in groups))
    return sum(await stored, StageResult())


async def _groups(
    services: Services, jobs: Sequence[ClaimedJob]
) -> AsyncIterator[tuple[list[tuple[ClaimedJob, ParsedDocument]], list[Move]]]:
    """Documents of together about `_GROUP_CHARACTERS`, and the ends of those without a text."""
    group: list[tuple[ClaimedJob, ParsedDocument]] = []
    moves: list[Move] = []
    size = 0
    async for job, document in parsed_texts(services, jobs):
        if not isinstance(document, ParsedDocument):
            error = ChunkingError(document.message, remedy=document.remedy)
            moves.append(failure(job, JobState.FAILED_CHUNKING, error, "chunk"))
            continue
        group.append((job, document))
        size += len(document.text)
        if size >= _GROUP_CHARACTERS:
            yield group, moves
            group, moves, size = [], [], 0
    if group or moves:
        yield group, moves


async def _store(
    services: Services,
    batch: Batch,
    group: Sequence[tuple[ClaimedJob, ParsedDocument]],
    moves: list[Move],
) -> StageResult:
    cuts = await compute_beside(
        services.compute_lock,
        cut_all,
        [document for _, document in group],
        services.chunker,
        services.embedder.tokenizer_name,
    )
    chunked, failures = [], []
    for (job, _), cut_one in zip(group, cuts, strict=True):
        if isinstance(cut_one, NavigatorError):
            failures.append(failure(job, JobState.FAILED_CHUNKING, cut_one, "chunk"))
        else:
            chunked.append((job, cut_one))
    done = [_stored(job, cut_one) for job, cut_one in chunked]
    async with services.database.service(repeatable=True) as connection:
        moved = await move(connection, [*moves, *failures, *done], actor(services, batch))
        # Only the chunks of jobs that are still ours: a late worker must not write any.
        await chunk_buffer.store(
            connection, [(job, cut_one.chunks) for job, cut_one in chunked if job.job_id in moved]
        )
        failpoint("before-chunk-commit")
    failpoint("after-chunk-commit")
    advanced = sum(each.job_id in moved for each in done)
    return StageResult(advanced, len(moved) - advanced)


class CutText(NamedTuple):
    """What a text gave: its chunks, personal data in it by kind, and the seconds that it took."""

    chunks: list[Chunk]
    personal: Mapping[str, int]
    seconds: float


def cut_all(
    documents: Sequence[ParsedDocument], options: ChunkerOptions, tokenizer_name: str
) -> list[CutText | NavigatorError]:
    """What each text gave, or why it has no chunks."""
    counter = tokenizer(tokenizer_name)
    cuts: list[CutText | NavigatorError] = []
    for document in documents:
        started = time.perf_counter()
        try:
            chunks = cut(document, options, counter)
            found = personal_data(document.text)
            cuts.append(CutText(chunks, found, time.perf_counter() - started))
        except NavigatorError as error:
            cuts.append(error)
    return cuts


def cut(document: ParsedDocument, options: ChunkerOptions, counter: Tokenizer) -> list[Chunk]:
    """The chunks of a text.

    Raises:
        ChunkingError: there are none, or the chunker has a bug, which ends the document alone.
    """
    try:
        chunks = chunk_document(document, options, counter)
    except NavigatorError:
        raise
    except Exception as error:
        raise ChunkingError(
            f"The chunker stopped with an internal error ({type(error).__name__}).",
            remedy="Report it with the document's id.",
        ) from error
    if not chunks:
        raise ChunkingError("The text gave no chunks.", remedy="Check the file, retry it.")
    return chunks


def _stored(job: ClaimedJob, cut_one: CutText) -> Move:
    facts = {
        "chunks": len(cut_one.chunks),
        "tokens": sum(chunk.tokens for chunk in cut_one.chunks),
        "personal_data": dict(cut_one.personal),
        "stage": "chunk",
        "seconds": cut_one.seconds,
    }
    return Move(job.job_id, job.attempt, job.state, JobState.CHUNKS_STORED, facts=facts)
