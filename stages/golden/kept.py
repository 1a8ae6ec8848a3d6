"""Reads the golden questions that are asked: those of the file, and those that users keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.identity import golden_question_id, user_id
from pipeline.store import golden_questions as stored
from stages.golden.questions import Expected, GoldenQuestion, golden_file, read_questions

if TYPE_CHECKING:
    from stages.golden.asking import Asked
    from stages.services import Services


async def asked_questions(services: Services, file: Path | None = None) -> list[GoldenQuestion]:
    """Every golden question but drafts.

    Raises:
        UsageError: the file is not as it should be.
    """
    path = golden_file(services.settings, file)
    found = [each for each in read_questions(path) if not each.draft]
    async with services.database.service() as connection:
        kept = await stored.all_questions(connection)
    return found + [
        GoldenQuestion(
            question=each.question,
            expected=tuple(Expected.model_validate(passage) for passage in each.expected),
            user=str(each.user_id),
        )
        for each in kept
    ]


async def note_answers(services: Services, asked: Sequence[Asked]) -> None:
    """Note of each question that a user keeps at which place its answer was found."""
    places = {
        golden_question_id(
            user_id(each.question.user or services.settings.user), each.question.question
        ): each.first
        for each in asked
    }
    async with services.database.service() as connection:
        await stored.answered(connection, list(places.items()))
