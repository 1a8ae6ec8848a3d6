"""Route of search: a question's best chunks from the user's own documents."""

from __future__ import annotations

from collections.abc import Sequence
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
from pipeline.companions.model import Relation
from pipeline.store import access_log
from pipeline.store.access_log import Access, Action
from pipeline.store.document_queries import find_document
from pipeline.store.engine import Database
from stages.citing import with_places
from stages.reranking import reranker_of
from stages.search import (
    CONTEXT_CHARACTERS,
    MAX_CONTEXT_CHARACTERS,
    Question,
    answer,
    require_period,
)

router = APIRouter(tags=["search"])
_WORDS_ALONE = "The embedding service gives no vector now, so only words were looked for."


Language = Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")]


def asked_words(question: str) -> str:
    """A question that says anything, and that the database can hold.

    Raises:
        ValueError: it does not.
    """
    if not storable(question).strip():
        raise ValueError("must hold words")
    return question


class SearchBody(BaseModel):
    """A question and where to look."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, AfterValidator(asked_words), Field(min_length=1, max_length=4000)]
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
    context: bool = Field(
        default=False, description="Bring what must be read with each passage: its companions."
    )
    context_characters: int = Field(
        default=CONTEXT_CHARACTERS, ge=200, le=MAX_CONTEXT_CHARACTERS,
        description="Room for the companions of all passages together.",
    )  # fmt: skip
    rerank: bool = Field(
        default=False, description="Have a cross-encoder read the best passages again."
    )

    @property
    def wanted(self) -> list[UUID]:
        """The documents to look in; all when there are none."""
        return list(dict.fromkeys([*filter(None, [self.document]), *self.documents]))


class CompanionOut(BaseModel):
    """What must be read with a passage: an exclusion, a limit, a definition …"""

    model_config = ConfigDict(from_attributes=True)

    relation: Relation
    reason: str = Field(description="Why it is there, such as: defines 'Accident'.")
    document_id: UUID = Field(description="An endorsement may stand in another document.")
    source: str
    name: str
    page_first: int | None
    page_last: int | None
    heading_path: list[str]
    chunk_id: UUID
    role: Role
    context: str
    text: str = Field(description="Of a definition the definition alone, else the chunk's rest.")


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
    relevance: float = Field(description="How probable it is that it answers, from 0 to 1.")
    language: str = Field(
        default="", description="ISO 639-1, of its document; empty when it cannot be told."
    )
    citation: Citation | None = Field(description="Where exactly it stands.")
    copies: list[Copy] = Field(
        description="Where else the same stands, at most a hundred; it is one passage."
    )
    copy_count: int = Field(description="In how many other places the same stands.")
    companions: list[CompanionOut] = Field(
        default=[], description="What must be read with it, most important first; with `context`."
    )
    companions_left_out: int = Field(
        default=0, description="How many more there are than the room for them holds."
    )
    rerank_score: float | None = Field(
        default=None, description="Between 0 and 1; null unless `rerank` was asked for."
    )


class NearWordOut(BaseModel):
    """A word that was taken for one that stands in none of the documents."""

    model_config = ConfigDict(from_attributes=True)

    asked: str = Field(description="As it was typed.")
    taken: str = Field(description="As it stands in a document.")


class SearchResult(BaseModel):
    """The passages, best first, and how much was looked through."""

    passages: list[PassageOut]
    published_documents: int
    documents_in_other_spaces: int = Field(
        description="Of these, documents that only words find: another model embedded them."
    )
    near_words: list[NearWordOut] = Field(
        default=[], description="What was looked for in place of words that no document has."
    )
    relevance: float = Field(
        description="How probable it is that the passages answer, from 0 to 1; calibrated."
    )
    fits: bool = Field(
        description="Whether they answer. If not, nothing in the documents fits, and the passages "
        "are the nearest that there is."
    )
    answered_by: Literal["hybrid", "vector", "text"] = Field(
        description="What answered: text where a hybrid search got no vector of the question."
    )
    warning: str | None = Field(description="Why it answered otherwise than asked, or null.")


async def _require_documents(database: Database, owner: UUID, wanted: Sequence[UUID]) -> None:
    """Make sure that the user has these documents.

    Raises:
        NotFound: one of them is not there.
    """
    if not wanted:
        return
    async with database.reader(owner) as connection:
        for document in wanted:
            if await find_document(connection, document) is None:
                raise NotFound("There is no such document.")


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
    await _require_documents(parts.database, owner, body.wanted)
    question = Question(
        text=body.question, mode=body.mode, limit=body.limit, documents=body.wanted,
        tags=body.tags, roles=body.roles, since=body.since, until=body.until,
        languages=body.languages, least_relevance=parts.settings.search_least_relevance,
        context_characters=body.context_characters if body.context else 0,
        reranker=reranker_of(parts.settings) if body.rerank else None,
    )  # fmt: skip
    embedder = await parts.services.embedders.answering(parts.database)
    found = await answer(question, owner, parts.database, embedder)
    if body.places:
        texts = parts.services.texts
        cited = await with_places(found.passages, body.question, parts.storage, texts, found.near)
        found = replace(found, passages=cited)
    only = body.wanted[0] if len(body.wanted) == 1 else None
    asked = Access(owner, scope.caller.user_id, Action.SEARCH, only, len(found.passages))
    async with parts.database.service() as connection:
        await access_log.log(connection, asked)
    return SearchResult(
        passages=[PassageOut.model_validate(each) for each in found.passages],
        published_documents=found.published,
        documents_in_other_spaces=found.elsewhere,
        near_words=[NearWordOut.model_validate(each) for each in found.near],
        relevance=found.relevance,
        fits=found.fits,
        answered_by=found.answered_by,
        warning=None if found.away is None else _WORDS_ALONE,
    )
