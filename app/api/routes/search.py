"""Route of search: a question's best chunks from the user's own documents."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.api.authorization import CurrentAccess
from app.api.dependencies import Parts
from app.api.fields import MAX_TAGS, Tag, storable
from app.api.json_bodies import described, json_body
from app.api.problems import NotFound, responses
from app.api.schemas import NoteOut
from pipeline.chunk_roles import Role
from pipeline.store import access_log
from pipeline.store.access_log import Access, Action
from pipeline.store.document_queries import find_document
from stages.search import Question, answer

router = APIRouter(tags=["search"])


def _asked(question: str) -> str:
    if not storable(question).strip():
        raise ValueError("must hold words")
    return question


class SearchBody(BaseModel):
    """A question and where to look."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, AfterValidator(_asked), Field(min_length=1, max_length=4000)]
    mode: Literal["hybrid", "vector", "text"] = "hybrid"
    limit: int = Field(default=5, ge=1, le=100)
    document: UUID | None = Field(default=None, description="Only in this document.")
    tags: list[Tag] = Field(default=[], max_length=MAX_TAGS)
    roles: list[Role] = Field(
        default=[], max_length=len(Role), description="Only passages with one of these roles."
    )


class PassageOut(BaseModel):
    """A passage that answers."""

    model_config = ConfigDict(from_attributes=True)

    score: float
    similarity: float | None
    vector_rank: int | None
    text_rank: int | None
    document_id: UUID
    source: str
    name: str
    page_first: int | None
    page_last: int | None
    heading_path: list[str]
    chunk_id: UUID
    role: Role = Field(description="What the passage is in an insurance document.")
    context: str = Field(
        description="What a reader sees beside the passage: a table's caption and columns."
    )
    text: str
    gap_here: bool = Field(description="Something was not read on the passage's own pages.")
    gaps: list[NoteOut] = Field(
        description="What of its document was not read, what is about its own pages first."
    )


class SearchResult(BaseModel):
    """The passages, best first, and how much was looked through."""

    passages: list[PassageOut]
    published_documents: int
    documents_in_other_spaces: int = Field(
        description="Of these, documents that only words find: another model embedded them."
    )


@router.post(
    "/search",
    responses=responses(400, 401, 403, 404, 413, 415, 422, 429, 503),
    openapi_extra=described(SearchBody),
)
async def search(
    parts: Parts, scope: CurrentAccess, body: Annotated[SearchBody, json_body(SearchBody)]
) -> SearchResult:
    """Find the passages that answer a question. That it was asked is logged, not its words."""
    owner = scope.one_user
    if body.document is not None:
        async with parts.database.reader(owner) as connection:
            if await find_document(connection, body.document) is None:
                raise NotFound("There is no such document.")
    question = Question(body.question, body.mode, body.limit, body.document, body.tags, body.roles)
    embedder = await parts.services.embedders.answering(parts.database)
    found = await answer(question, owner, parts.database, embedder)
    asked = Access(owner, scope.caller.user_id, Action.SEARCH, body.document, len(found.passages))
    async with parts.database.service() as connection:
        await access_log.log(connection, asked)
    return SearchResult(
        passages=[PassageOut.model_validate(each) for each in found.passages],
        published_documents=found.published,
        documents_in_other_spaces=found.elsewhere,
    )
