"""Route of search: a question's best chunks from the user's own documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from app.api.authorization import CurrentAccess
from app.api.dependencies import Parts
from app.api.fields import MAX_TAGS, Tag, storable
from app.api.json_bodies import described, json_body
from app.api.problems import NotFound, responses
from app.api.schemas import NoteOut
from pipeline.chunk_roles import Role
from pipeline.citations import Citation, Copy
from pipeline.store import access_log
from pipeline.store.access_log import Access, Action
from pipeline.store.document_queries import find_document
from stages.citing import with_places
from stages.search import Question, answer, require_period

router = APIRouter(tags=["search"])


Language = Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")]


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
    documents: list[UUID] = Field(
        default=[], max_length=100, description="Only in these, `document` among them when given."
    )
    tags: list[Tag] = Field(default=[], max_length=MAX_TAGS)
    roles: list[Role] = Field(
        default=[], max_length=len(Role), description="Only passages with one of these roles."
    )
    since: date | None = Field(
        default=None,
        description="Only documents of this day or later: of their effective date, else their"
        " edition, else when they were taken in.",
    )
    until: date | None = Field(default=None, description="Of this day or earlier.")
    languages: list[Language] = Field(
        default=[], max_length=50, description="Only documents in one of these (ISO 639-1)."
    )
    places: bool = Field(
        default=True,
        description="Tell of each passage what only its text tells: boxes, paragraphs, table rows.",
    )

    @property
    def wanted(self) -> list[UUID]:
        """The documents to look in; all when there are none."""
        return list(dict.fromkeys([*filter(None, [self.document]), *self.documents]))


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
    citation: Citation | None = Field(description="Where exactly it stands.")
    copies: list[Copy] = Field(
        description="Where else the same stands, at most a hundred; it is one passage."
    )
    copy_count: int = Field(description="In how many other places the same stands.")


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
    require_period(body.since, body.until)
    async with parts.database.reader(owner) as connection:
        for document in body.wanted:
            if await find_document(connection, document) is None:
                raise NotFound("There is no such document.")
    question = Question(
        body.question, body.mode, body.limit, body.wanted, body.tags, body.roles,
        body.since, body.until, body.languages,
    )  # fmt: skip
    found = await answer(question, owner, parts.database, parts.embedder)
    if body.places:
        texts = parts.services.texts
        cited = await with_places(found.passages, body.question, parts.storage, texts)
        found = replace(found, passages=cited)
    only = body.wanted[0] if len(body.wanted) == 1 else None
    asked = Access(owner, scope.caller.user_id, Action.SEARCH, only, len(found.passages))
    async with parts.database.service() as connection:
        await access_log.log(connection, asked)
    return SearchResult(
        passages=[PassageOut.model_validate(each) for each in found.passages],
        published_documents=found.published,
        documents_in_other_spaces=found.elsewhere,
    )
