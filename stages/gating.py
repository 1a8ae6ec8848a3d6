"""Gates publication: validates the chunks and vectors that would be published."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from typing import NamedTuple
from uuid import UUID

from checks.frames import ChunkRow, VectorRow, chunk_frame, vector_frame
from checks.suites_in_force import suites_in_force
from checks.validation_results import ValidationResult
from pipeline.chunking.assessment import assess
from pipeline.chunking.left_out import left_out
from pipeline.compute_child import compute_beside
from pipeline.documents import ParsedDocument, embedding_text
from pipeline.failpoints import failpoint
from pipeline.identity import sha256_hex
from pipeline.states import JobState
from pipeline.store import chunk_buffer, quality, rejected_vectors, vector_facts
from pipeline.store.chunk_buffer import BufferedChunk
from pipeline.store.claims import ClaimedJob
from pipeline.store.transitions import move
from pipeline.store.vector_facts import VectorFact
from pipeline.text import count_visible
from stages.batch import Batch, StageResult, actor, jobs_at
from stages.gate_outcomes import (
    Asked,
    outcome_moves,
    result_records,
    validate_rows,
    withdraw_refused,
)
from stages.services import Services
from stages.text_storage import parsed_texts

_JOBS_AT_ONCE = 64


class _Piece(NamedTuple):
    """A buffered chunk as its structure is assessed."""

    start: int
    end: int
    context: str


async def gate(
    services: Services, batch: Batch
) -> tuple[list[UUID], StageResult, list[ValidationResult]]:
    """Gate what is in the buffers.

    Returns:
        The jobs that may be published, the counts, and the suites' results.

    Raises:
        BrokenGate: no verdict is possible; nothing is written, nothing is published.
    """
    jobs = await jobs_at(services, batch, JobState.EMBEDDINGS_STORED)
    if not jobs:
        return [], StageResult(), []
    chunk_rows, vector_rows = await _measure(services, jobs)
    _, chunks, vectors = suites_in_force(services.settings, services.company_rules)
    asked = [
        Asked(chunks, chunk_frame, (chunk_rows,)),
        Asked(vectors, vector_frame, (vector_rows,)),
    ]
    results = await validate_rows(services, asked, jobs)
    # A document rejected by both suites is moved once, with the first suite's reason.
    moves = {
        each.job_id: each
        for result in reversed(results)
        for each in outcome_moves(jobs, result, None, "gate")
    }
    await withdraw_refused(services, moves.values())
    async with services.database.service(repeatable=True) as connection:
        moved = await move(connection, list(moves.values()), actor(services, batch))
        if moves:
            space = services.embedder.space
            await rejected_vectors.discard(
                connection,
                list(moves),
                space.id,
                space.dimension,
                shared=services.settings.share_vectors,
            )
        for result in results:
            records = list(result_records(result))
            await quality.record(connection, records, run_id=batch.run_id, user_id=jobs[0].user_id)
    failpoint("after-gate-commit")
    passed = [job.job_id for job in jobs if job.job_id not in moves]
    return passed, StageResult(len(passed), len(moved)), results


async def _measure(
    services: Services, jobs: Sequence[ClaimedJob]
) -> tuple[list[ChunkRow], list[VectorRow]]:
    chunk_rows: list[ChunkRow] = []
    vector_rows: list[VectorRow] = []
    for start in range(0, len(jobs), _JOBS_AT_ONCE):
        group = jobs[start : start + _JOBS_AT_ONCE]
        ids = [job.job_id for job in group]
        async with services.database.service() as connection:
            buffered = await chunk_buffer.read(connection, ids)
            facts = await vector_facts.facts(
                connection,
                ids,
                services.version.space_id,
                shared=services.settings.share_vectors,
            )
        by_job: dict[UUID, list[BufferedChunk]] = {}
        for chunk in buffered:
            by_job.setdefault(chunk.job_id, []).append(chunk)
        pairs = []
        async for job, document in parsed_texts(services, group):
            # The gate is the last to read it.
            services.texts.drop(job.parsed_key or "")
            text = document if isinstance(document, ParsedDocument) else None
            pairs.append((by_job.get(job.job_id, []), text))
        chunk_rows += await compute_beside(
            services.compute_lock, rows_of_all, pairs, services.chunker.max_tokens
        )
        dimension = services.embedder.space.dimension
        vector_rows.extend(vector_row(fact, dimension) for fact in facts)
    return chunk_rows, vector_rows


def rows_of_all(
    pairs: Sequence[tuple[Sequence[BufferedChunk], ParsedDocument | None]], max_tokens: int
) -> list[ChunkRow]:
    """What the chunk suite judges of documents, each with its chunks."""
    return [row for pair in pairs for row in chunk_rows_of(*pair, max_tokens)]


def chunk_rows_of(
    chunks: Sequence[BufferedChunk], document: ParsedDocument | None, max_tokens: int
) -> list[ChunkRow]:
    """What the chunk suite judges of a document; None when its text is lost."""
    # Without the parsed text nothing can be compared: every comparison is stated as failing.
    text = document.text if document is not None else ""
    # What is in no chunk on purpose is not lost.
    spans = [(chunk.start_offset, chunk.end_offset) for chunk in chunks]
    covered = covered_share(text, [*spans, *left_out(text)])
    substantial = headed = nan
    if document is not None:
        found = assess(document, [_Piece(c.start_offset, c.end_offset, c.context) for c in chunks])
        substantial, headed = found.substantial_share, found.headed_share
    return [
        ChunkRow(
            job_id=str(chunk.job_id),
            chunk_id=str(chunk.chunk_id),
            ordinal=chunk.ordinal,
            occurrence=chunk.occurrence,
            tokens=chunk.tokens,
            max_tokens=max_tokens,
            characters=len(chunk.text.strip()),
            sha256=chunk.sha256,
            computed_sha256=sha256_hex(
                embedding_text(chunk.heading_path, chunk.text, chunk.context)
            ),
            start=chunk.start_offset,
            end=chunk.end_offset,
            text_matches=text[chunk.start_offset : chunk.end_offset] == chunk.text,
            covered_share=covered,
            substantial_share=substantial,
            headed_share=headed,
        )
        for chunk in chunks
    ]


def covered_share(text: str, spans: Sequence[tuple[int, int]]) -> float:
    """The share of a text's visible characters that lie in the spans, 0 to 1; 0 for no text."""
    visible = count_visible(text)
    if not visible:
        return 0.0
    uncovered, position = 0, 0
    for start, end in sorted(spans):
        if start > position:
            uncovered += count_visible(text[position:start])
        position = max(position, end)
    uncovered += count_visible(text[position:])
    return 1 - uncovered / visible


def vector_row(fact: VectorFact, dimension: int) -> VectorRow:
    """What the vector suite judges of a chunk."""
    norm = fact.norm if fact.norm is not None else 0.0
    finite = fact.present and isfinite(norm)
    return VectorRow(
        job_id=str(fact.job_id),
        chunk_id=str(fact.chunk_id),
        ordinal=fact.ordinal,
        vectors=int(fact.present),
        dimension=fact.dimension or 0,
        expected_dimension=dimension,
        finite=finite,
        norm=norm if finite else 0.0,
        sha256=fact.vector_sha256 or "",
        expected_sha256=fact.sha256,
    )
