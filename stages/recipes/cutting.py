"""Cuts published texts by a recipe and has the gate judge them, as an ingest's are.

Nothing is paid for it. A version that the gate would not publish so is noted with the reason, and
counts as lacking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from checks.frames import ChunkRow, chunk_frame
from checks.suites_in_force import suites_in_force
from pipeline.chunk_sizes import ChunkSizes
from pipeline.chunking.options import ChunkerOptions, chunker_version
from pipeline.compute_child import compute_beside
from pipeline.documents import Chunk, ParsedDocument
from pipeline.errors import NavigatorError
from pipeline.failpoints import failpoint
from pipeline.identity import chunk_id, recipe_id
from pipeline.store import recipes
from pipeline.store.chunk_buffer import BufferedChunk
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.recipes import CutDocument, Recipe, Uncut
from pipeline.tokens import tokenizer
from pipeline.words import chunk_words
from stages.chunking import cut
from stages.gate_outcomes import Asked, validate_rows
from stages.gating import chunk_rows_of
from stages.services import Services, chunker_options
from stages.text_storage import text_of

_DOCUMENTS = 16


def recipe_of(services: Services, sizes: ChunkSizes) -> Recipe:
    """The recipe that cuts by these sizes, or by as much as the model reads."""
    counter = tokenizer(services.embedder.tokenizer_name).name
    chunker = chunker_version(chunker_options(sizes, services.embedder), counter)
    return Recipe(recipe_id(chunker), chunker, sizes.tokens, sizes.overlap_tokens)


async def cut_next(
    services: Services, recipe: Recipe, after: UUID
) -> tuple[list[CutDocument], UUID | None]:
    """Some of the published versions that a recipe has not cut, and the last id; None at the end.

    Raises:
        BrokenGate: no verdict is possible.
        TransientError: database or storage does not answer.
    """
    found = await _uncut(services, recipe, after)
    if not found:
        return [], None
    texts = [await text_of(services, each.parsed_key) if each.parsed_key else None
             for each in found]  # fmt: skip
    options = chunker_options(recipe.sizes, services.embedder)
    made = await compute_beside(
        services.compute_lock, cut_all, list(zip(found, texts, strict=True)), options,
        services.embedder.tokenizer_name, recipe.chunker,
    )  # fmt: skip
    judged = [each.document.of for each in made if each.document.refused is None]
    refused = await _refused(services, [row for each in made for row in each.rows], judged)
    return [_verdict(each.document, refused) for each in made], found[-1].document_id


@retry_on_restart
async def _uncut(services: Services, recipe: Recipe, after: UUID) -> list[Uncut]:
    async with services.database.service() as connection:
        return await recipes.uncut(connection, recipe, after, _DOCUMENTS)


async def _refused(
    services: Services, rows: Sequence[ChunkRow], jobs: Sequence[Uncut]
) -> dict[UUID, str]:
    if not jobs:
        return {}
    _, suite, _ = suites_in_force(services.settings, services.company_rules)
    [result] = await validate_rows(services, [Asked(suite, chunk_frame, (rows,))], jobs)
    reasons = {job.job_id: result.reason(str(job.job_id)) for job in jobs}
    return {job: reason for job, reason in reasons.items() if reason}


def _verdict(document: CutDocument, refused: dict[UUID, str]) -> CutDocument:
    if (reason := refused.get(document.of.job_id)) is None:
        return document
    return CutDocument(document.of, refused=reason)


@retry_on_restart
async def keep(services: Services, recipe: Recipe, cut_documents: Sequence[CutDocument]) -> None:
    """Write down what was cut, beside what readers see."""
    async with services.database.service() as connection:
        await recipes.store(connection, recipe, cut_documents)
    failpoint("after-recipe-cut")


@dataclass(frozen=True, slots=True)
class CutRows:
    """A version as it is cut, and what the gate judges of it."""

    document: CutDocument
    rows: list[ChunkRow]


def cut_all(
    texts: Sequence[tuple[Uncut, ParsedDocument | None]],
    options: ChunkerOptions,
    tokenizer_name: str,
    chunker: str,
) -> list[CutRows]:
    """Each version with its chunks and their words, or why it has none."""
    counter, made = tokenizer(tokenizer_name), []
    for of, document in texts:
        if document is None:
            made.append(CutRows(CutDocument(of, refused="The text is lost from the storage."), []))
            continue
        try:
            chunks = cut(document, options, counter)
        except NavigatorError as error:
            made.append(CutRows(CutDocument(of, refused=error.message), []))
            continue
        words = [chunk_words(list(c.heading_path), c.context, c.text, of.language) for c in chunks]
        kept = [_judged(of, chunk, chunker) for chunk in chunks]
        rows = chunk_rows_of(kept, document, options.max_tokens)
        made.append(CutRows(CutDocument(of, list(zip(chunks, words, strict=True))), rows))
    return made


def _judged(of: Uncut, chunk: Chunk, chunker: str) -> BufferedChunk:
    identity = chunk_id(of.document_id, chunker, chunk.sha256, chunk.occurrence)
    return BufferedChunk(
        of.job_id, identity, chunk.ordinal, chunk.occurrence, chunk.text, chunk.sha256,
        chunk.start, chunk.end, list(chunk.heading_path), chunk.context, chunk.tokens,
    )  # fmt: skip
