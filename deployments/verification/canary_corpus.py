"""The canary corpus in one environment: taken in, worked off by its worker, looked at, erased."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from clients.storage.objects import raw_key
from deployments.verification.baseline import Answer, CanaryDocument, Repetition
from deployments.verification.calibration import reference_seconds
from deployments.verification.canary_documents import Canary, Question
from deployments.verification.canary_flow import Batch
from deployments.verification.stage_times import pickup_seconds, stage_seconds
from pipeline.errors import ServiceUnavailable
from pipeline.identity import CANARY, OPERATOR, STRANGER, sha256_hex
from pipeline.run_options import RunOptions
from pipeline.store import canaries
from pipeline.store.canaries import CanaryChunk, CanaryRow, Mark, Step
from pipeline.store.registration import Source
from stages import search
from stages.erasing import erase
from stages.intake import take_in
from stages.run_lease import run_lease
from stages.services import Services
from stages.text_storage import stored_text

WorkOff = Callable[[Batch], Awaitable[None]]

_PREFIX = "canary:"
_PASSAGES = 3
_NO_REPORTS = Path("/nonexistent")
"""Canaries have none: those of others are not touched."""


@dataclass(frozen=True)
class Passage:
    """One way of the corpus through the environment.

    Attributes:
        stranger: passages that another user was given.
        steps: of all canaries, by the database's audit.
    """

    documents: dict[str, CanaryDocument]
    messages: dict[str, str]
    answers: tuple[Answer, ...]
    stranger: int
    times: Repetition
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class CanaryEnvironment:
    """Where the corpus goes through, and which corpus.

    Attributes:
        work_off: has the jobs taken through all stages, and waits for it.
        options: of its run, to use another parser or embedder than the worker's own.
    """

    parts: Services
    work_off: WorkOff
    documents: Sequence[Canary]
    questions: Sequence[Question]
    options: RunOptions | None = None


@asynccontextmanager
async def occupied(
    parts: Services, max_cost_usd: Decimal | None, patience_seconds: float
) -> AsyncIterator[None]:
    """Have the corpus to oneself in this database for the time of this block, and leave nothing.

    What a verification that was killed has left is removed first.

    Raises:
        ServiceUnavailable: another verification of the same database goes on for so long.
    """
    await _take(parts, max_cost_usd, patience_seconds)
    try:
        async with run_lease(parts, canaries.RUN):
            await clean(parts)
            try:
                yield
            finally:
                await clean(parts)
    finally:
        async with parts.database.service() as connection:
            await canaries.leave(connection, parts.worker)


async def _take(parts: Services, max_cost_usd: Decimal | None, patience_seconds: float) -> None:
    lease = parts.settings.lease_seconds
    deadline = time.monotonic() + patience_seconds
    while True:
        async with parts.database.service() as connection:
            if await canaries.take(connection, parts.worker, lease, max_cost_usd):
                return
        if time.monotonic() > deadline:
            raise ServiceUnavailable(
                "Another verification of this environment is under way.",
                code="verification_under_way",
                remedy="Wait for its end, then try again.",
            )
        await asyncio.sleep(1)


async def clean(parts: Services) -> None:
    """Erase the canaries: rows, stored files, everything made of them; work on them is fenced."""
    await erase(
        parts.database, parts.storage, parts.settings, CANARY, OPERATOR, reports=_NO_REPORTS
    )


async def pass_through(where: CanaryEnvironment, *, ask: bool) -> Passage:
    """Take the corpus through once, look at what came of it, and erase it.

    Args:
        ask: ask the questions too, which a paid embedder is paid for.

    Raises:
        NavigatorError: it could not be taken in, or was not worked off.
    """
    parts = where.parts
    before = await reference_seconds(parts.database)
    async with parts.database.service() as connection:
        mark = await canaries.mark(connection)
    jobs = await take_canaries_in(parts, where.documents)
    await where.work_off(Batch(jobs, canaries.RUN, parts.installation, where.options))
    after = await reference_seconds(parts.database)
    passage = await _looked_at(where, mark, (before + after) / 2, ask=ask)
    await clean(parts)
    return passage


async def take_canaries_in(parts: Services, documents: Sequence[Canary]) -> list[UUID]:
    """Store the canaries' bytes and register them; the jobs to work on."""
    sources = {_source(each): each.content for each in documents}

    async def store(wanted: Sequence[Source]) -> list[bool]:
        return await parts.storage.put_all([(each.storage_key, sources[each]) for each in wanted])

    taken = await take_in(parts, list(sources), store, CANARY, canaries.RUN, ())
    if taken.rejected:
        refused = taken.rejected[0]
        raise ServiceUnavailable(f"A canary was not taken in: {refused.message}")
    return [each.job_id for each in taken.registered]


def _source(canary: Canary) -> Source:
    sha256 = sha256_hex(canary.content)
    return Source(
        source=f"{_PREFIX}{canary.name}",
        name=canary.name,
        file_sha256=sha256,
        file_bytes=len(canary.content),
        storage_key=raw_key(CANARY, sha256),
    )


async def _looked_at(
    where: CanaryEnvironment, mark: Mark, reference: float, *, ask: bool
) -> Passage:
    async with where.parts.database.service() as connection:
        found = await canaries.documents(connection)
        chunks = await canaries.chunks(connection)
        steps = await canaries.steps(connection, mark)
    names = {each.document_id: _name(each) for each in found}
    began = time.perf_counter()
    answers = [await _answered(where, each, names) for each in where.questions] if ask else []
    searching = {"search": time.perf_counter() - began} if answers else {}
    return Passage(
        documents={_name(each): await _document(where.parts, each, chunks) for each in found},
        messages={_name(each): each.error_message or "" for each in found},
        answers=tuple(answers),
        stranger=await _seen_by_stranger(where),
        times=Repetition(
            stages={**stage_seconds(steps), **searching},
            reference=reference,
            pickup=pickup_seconds(steps, mark.at),
        ),
        steps=tuple(steps),
    )


def _name(row: CanaryRow) -> str:
    return row.source.removeprefix(_PREFIX)


async def _document(
    parts: Services, row: CanaryRow, chunks: Sequence[CanaryChunk]
) -> CanaryDocument:
    text = await stored_text(parts, row.parsed_key) if row.parsed_key else None
    own = [each for each in chunks if each.document_id == row.document_id]
    return CanaryDocument(
        state=row.state,
        error=row.error_code,
        text=sha256_hex(text.text) if text is not None else None,
        media_type=row.media_type,
        pages=row.pages,
        characters=row.characters,
        tokens=row.tokens,
        language=row.language,
        chunks=tuple((str(each.id), each.sha256) for each in own),
        gaps=tuple(sorted(note["kind"] for note in row.notes if note["gap"])),
    )


async def _answered(where: CanaryEnvironment, question: Question, names: dict[UUID, str]) -> Answer:
    asked = search.Question(question.text, question.mode, _PASSAGES)
    found = await search.answer(asked, CANARY, where.parts.database, where.parts.embedder)
    return Answer(
        question=question.text,
        mode=question.mode,
        passages=tuple(str(each.chunk_id) for each in found.passages),
        documents=tuple(names.get(each.document_id, "?") for each in found.passages),
    )


async def _seen_by_stranger(where: CanaryEnvironment) -> int:
    """Passages that another user is given to the first question, by words: it costs nothing."""
    if not where.questions:
        return 0
    asked = search.Question(where.questions[0].text, "text", _PASSAGES)
    found = await search.answer(asked, STRANGER, where.parts.database, where.parts.embedder)
    return len(found.passages)
