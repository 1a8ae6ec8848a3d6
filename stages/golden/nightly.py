"""Asks the golden questions of the space that answers, and has Great Expectations judge them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from checks.gate import Gate
from checks.golden_suite import (
    FOUND,
    GOLDEN,
    GoldenRow,
    Means,
    golden_frame,
    golden_results,
    means_of,
)
from checks.validation_results import ValidationResult
from pipeline.store import golden_results as stored
from pipeline.store import quality
from stages.golden.asking import Asked, ask_questions
from stages.golden.kept import note_answers
from stages.golden.questions import GoldenQuestion
from stages.services import Services


@dataclass(frozen=True, slots=True)
class Night:
    """What the golden questions found in one night.

    Attributes:
        lost: questions that find nothing that they expect.
        fallen: sentences about means that fell since the night before.
    """

    questions: int
    means: Means
    lost: int
    fallen: tuple[str, ...]


async def check_golden(
    services: Services, questions: Sequence[GoldenQuestion], run_id: UUID
) -> Night:
    """Ask, judge and write down.

    Raises:
        TransientError: a service or the database does not answer.
        BrokenGate: no verdict is possible.
    """
    embedder = await services.embedders.answering(services.database)
    scored = await ask_questions(services, embedder, questions)
    rows = [_row(each) for each in scored.asked]
    async with services.database.service() as connection:
        last = await stored.last_means(connection)
    frame = golden_frame(rows, None if last is None else Means(*last))
    result = await asyncio.to_thread(Gate().check, GOLDEN, frame)
    means = means_of(rows)
    async with services.database.service() as connection:
        told = [asdict(each) for each in golden_results(result, means)]
        for each in told:
            each["examples"] = [f"{embedder.space.provider}/{embedder.space.model}"]
        await quality.record(connection, told, run_id=run_id, user_id=None)
    await note_answers(services, scored.asked)
    lost = next(each.failed for each in result.rules if each.rule.name == FOUND)
    return Night(len(rows), means, lost, _fallen(result))


def _row(asked: Asked) -> GoldenRow:
    return GoldenRow(
        asked.question.id, int(asked.first is not None), asked.score.ndcg, asked.score.recall
    )


def _fallen(result: ValidationResult) -> tuple[str, ...]:
    return tuple(
        f"{each.rule.title}: it fell by {-float(each.observed or 0):.3f}."
        for each in result.rules
        if each.rule.whole_document and not each.success
    )
