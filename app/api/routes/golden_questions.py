"""Routes of golden questions: what a user wants a search to find, and whether it did."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.api.authorization import CurrentAccess
from app.api.dependencies import Parts
from app.api.json_bodies import described, json_body
from app.api.problems import Conflict, NotFound, responses
from app.api.routes.search import asked_words
from pipeline.identity import golden_question_id
from pipeline.store import golden_questions as stored
from pipeline.store.golden_questions import KeptQuestion
from stages.golden.drawing import expected_of

router = APIRouter(tags=["golden questions"])


class GoldenQuestionBody(BaseModel):
    """A question, and a passage of a search that answers it."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, AfterValidator(asked_words), Field(min_length=1, max_length=4000)]
    chunk_id: UUID = Field(description="Of the passage.")


class ExpectedOut(BaseModel):
    """A passage that answers."""

    document: str | None = Field(default=None, description="The document's name.")
    page: int | None = Field(default=None, description="The page on which it begins.")
    quote: str | None = Field(default=None, description="Its first words.")


class GoldenQuestionOut(BaseModel):
    """A golden question with what its last asking found."""

    id: UUID
    question: str
    expected: list[ExpectedOut] = Field(description="Finding one of them is a hit.")
    created_at: datetime
    asked_at: datetime | None = Field(description="When it was asked last; each night it is.")
    found_at: int | None = Field(
        description="The place, from 1, of the first passage expected; null when none was found."
    )


class GoldenQuestionsOut(BaseModel):
    """A user's golden questions."""

    items: list[GoldenQuestionOut] = Field(description="The newest first.")
    most: int = Field(description="So many a user may keep.")


@router.get("/golden-questions", responses=responses(401, 403, 422, 429, 503))
async def get_golden_questions(parts: Parts, scope: CurrentAccess) -> GoldenQuestionsOut:
    """The questions that a user keeps, with what a search found for each last night."""
    async with parts.database.reader(scope.one_user) as connection:
        found = await stored.all_questions(connection)
    return GoldenQuestionsOut(items=[_out(each) for each in found], most=stored.MOST)


@router.post(
    "/golden-questions",
    responses=responses(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    openapi_extra=described(GoldenQuestionBody),
)
async def keep_golden_question(
    parts: Parts,
    scope: CurrentAccess,
    body: Annotated[GoldenQuestionBody, json_body(GoldenQuestionBody)],
) -> GoldenQuestionOut:
    """Keep a question with a passage that answers it; the same again gets one more passage."""
    owner = scope.one_user
    async with parts.database.reader(owner) as connection:
        passage = await stored.passage(connection, body.chunk_id)
    if passage is None:
        raise NotFound("There is no such passage.", remedy="Search again and keep what it finds.")
    identity = golden_question_id(owner, body.question)
    expected = expected_of(passage.name, passage.page, passage.text)
    told = expected.model_dump(mode="json", exclude_none=True)
    async with parts.database.service() as connection:
        if await stored.others(connection, owner, identity) >= stored.MOST:
            raise Conflict(
                f"There are {stored.MOST} golden questions already.",
                remedy="Remove one that says little.",
            )
        return _out(await stored.keep(connection, identity, owner, body.question, [told]))


@router.delete(
    "/golden-questions/{question_id}",
    status_code=204,
    responses=responses(401, 403, 404, 422, 429, 503),
)
async def remove_golden_question(parts: Parts, scope: CurrentAccess, question_id: UUID) -> None:
    """Remove a question; it is asked no more."""
    async with parts.database.service() as connection:
        if not await stored.remove(connection, question_id, scope.one_user):
            raise NotFound("There is no such golden question.")


def _out(question: KeptQuestion) -> GoldenQuestionOut:
    return GoldenQuestionOut(
        id=question.id,
        question=question.question,
        expected=[ExpectedOut.model_validate(each) for each in question.expected],
        created_at=question.created_at,
        asked_at=question.asked_at,
        found_at=question.found_at,
    )
