"""Reads the golden questions that are asked: those of the file, and those that users keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.identity import golden_question_id, user_id
from pipeline.store import golden_questions as stored
from pipeline.store.engine import Database
from pipeline.store.golden_questions import KeptQuestion
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
    return found + [_as_of_file(each) for each in kept]


async def kept_questions(database: Database, user: UUID) -> dict[UUID, GoldenQuestion]:
    """The questions that a user keeps, by their ids, newest first."""
    async with database.reader(user) as connection:
        kept = await stored.all_questions(connection)
    return {each.id: _as_of_file(each) for each in kept}


async def forget_question(database: Database, user: UUID, question: UUID) -> None:
    """Remove a question that a user keeps; nothing happens when there is none."""
    async with database.service() as connection:
        await stored.remove(connection, question, user)


def _as_of_file(kept: KeptQuestion) -> GoldenQuestion:
    return GoldenQuestion(
        question=kept.question,
        expected=tuple(Expected.model_validate(passage) for passage in kept.expected),
        user=str(kept.user_id),
    )


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
