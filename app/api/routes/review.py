"""Routes of reviews: what waits for a person's eye, and what a person decides of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.authorization import CurrentAccess, RowAccess
from app.api.dependencies import ApiParts, Parts
from app.api.fields import Cursor, Limit, Line, cursor_of, place_of
from app.api.json_bodies import described, json_body
from app.api.problems import NotFound, Unprocessable, responses
from clients.storage.objects import ObjectMissing
from pipeline.corrections import MOST_CHARACTERS, Correction
from pipeline.errors import UsageError
from pipeline.states import JobState
from pipeline.store import review_decisions
from pipeline.store.document_queries import find_document
from pipeline.store.job_queries import Place
from pipeline.store.page_queries import VersionView, find_version
from pipeline.store.review_decisions import ReviewDecision
from pipeline.store.review_queries import ReviewItem, find_item, list_items
from stages import reviewing
from stages.reviewing import MOST_REASON, Reviewed

router = APIRouter(prefix="/review", tags=["review"])

_BODY = responses(400, 401, 403, 404, 413, 415, 422, 429, 503)
Reason = Annotated[Line, Field(max_length=MOST_REASON, description="Why; it is kept.")]


class FindingOut(BaseModel):
    """What the gate said of a document: a rule that it broke."""

    model_config = ConfigDict(extra="ignore")

    suite: str
    rule: str
    title: str
    severity: str = Field(description="`critical` kept it back; `warning` was only told.")
    sentence: str
    failed: int = Field(description="Rows of it that broke the rule.")
    examples: list[str]


class ReviewItemOut(BaseModel):
    """A document that waits for a review."""

    model_config = ConfigDict(from_attributes=True)

    document_id: UUID
    job_id: UUID
    name: str
    state: JobState
    version: int
    paged: bool = Field(description="It has pages of its own.")
    findings: list[FindingOut] = Field(description="Without what a person has accepted.")
    updated_at: datetime


class ReviewPage(BaseModel):
    """Some of the documents that wait for a review, newest first."""

    items: list[ReviewItemOut]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


class CorrectionOut(BaseModel):
    """What a person put right."""

    model_config = ConfigDict(extra="ignore")

    page: int
    before: str
    after: str
    occurrence: int
    cell: tuple[int, int, int] | None


class DecisionOut(BaseModel):
    """What a person decided, with who, when and why."""

    id: UUID
    decision: str = Field(description="`accept`, `correct`, `reject` or `undo`.")
    reason: str
    who: str
    at: datetime
    findings: list[dict[str, str | int]] = Field(description="What was accepted or rejected.")
    correction: CorrectionOut | None
    undoes: UUID | None = Field(description="The decision that this one took back.")
    undone: bool = Field(description="It was taken back, and holds no longer.")


class ReviewOut(BaseModel):
    """A document's review."""

    item: ReviewItemOut | None = Field(description="Null where nothing waits.")
    decisions: list[DecisionOut] = Field(description="Newest first; of all its versions.")


class ReasonBody(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class UndoBody(ReasonBody):
    """The decision that is taken back."""

    decision: UUID


class CorrectionBody(ReasonBody):
    """A passage of a page, or one cell of a table, and what is to stand there instead."""

    page: int = Field(ge=1, lt=2**31)
    before: str = Field(
        max_length=MOST_CHARACTERS, description="Exactly what was read; of a cell, its whole text."
    )
    after: str = Field(max_length=MOST_CHARACTERS, description="What the page says.")
    occurrence: int = Field(
        default=0, ge=0, lt=10_000, description="How often the same stands before it on the page."
    )
    cell: tuple[int, int, int] | None = Field(
        default=None, description="Table, row and column on the page, each from 0."
    )


@router.get("", responses=responses(401, 403, 422, 429, 503))
async def get_reviews(
    parts: Parts, scope: CurrentAccess, cursor: Cursor = None, limit: Limit = 50
) -> ReviewPage:
    """Documents that the gate quarantined or warned of, and that nobody has worked off."""
    async with scope.reading(parts.database) as connection:
        found = await list_items(connection, place_of(cursor), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return ReviewPage(
        items=[ReviewItemOut.model_validate(each) for each in found[:limit]],
        next=cursor_of(Place(last.created_at, last.document_id)) if last else None,
    )


@router.get("/{document_id}", responses=responses(401, 403, 404, 422, 429, 503))
async def get_review(parts: Parts, scope: CurrentAccess, document_id: UUID) -> ReviewOut:
    """One document's review: what waits, and what persons decided."""
    async with scope.reading(parts.database) as connection:
        if await find_document(connection, document_id) is None:
            raise NotFound("There is no such document.")
        item = await find_item(connection, document_id)
        decided = await review_decisions.of_document(connection, document_id)
    return ReviewOut(
        item=None if item is None else ReviewItemOut.model_validate(item),
        decisions=[_out(each, undone={each.undoes for each in decided}) for each in decided],
    )


@router.post("/{document_id}/accept", responses=_BODY, openapi_extra=described(ReasonBody))
async def accept(
    parts: Parts,
    scope: CurrentAccess,
    document_id: UUID,
    body: Annotated[ReasonBody, json_body(ReasonBody)],
) -> DecisionOut:
    """Let pass what the gate said; a quarantined document is judged again and published."""
    item = await _item(parts, scope, document_id)
    async with _told():
        done = await reviewing.accept(parts.services, item, body.reason, _who(scope))
    return _sent(parts, done)


@router.post("/{document_id}/reject", responses=_BODY, openapi_extra=described(ReasonBody))
async def reject(
    parts: Parts,
    scope: CurrentAccess,
    document_id: UUID,
    body: Annotated[ReasonBody, json_body(ReasonBody)],
) -> DecisionOut:
    """Leave a quarantined document unpublished for good."""
    item = await _item(parts, scope, document_id)
    async with _told():
        done = await reviewing.reject(parts.database, item, body.reason, _who(scope))
    return _sent(parts, done)


@router.post("/{document_id}/correct", responses=_BODY, openapi_extra=described(CorrectionBody))
async def correct(
    parts: Parts,
    scope: CurrentAccess,
    document_id: UUID,
    body: Annotated[CorrectionBody, json_body(CorrectionBody)],
) -> DecisionOut:
    """Correct what was read; the document is judged and published again, as a version of its text.

    Only what changed is embedded anew. The correction is applied to every later reading of the
    same bytes, where what it corrects still stands; where it does not, a note says so.
    """
    version = await _newest(parts, scope, document_id)
    given = Correction(body.page, body.before, body.after, body.occurrence, body.cell)
    async with _told():
        done = await reviewing.put_right(parts.services, version, given, body.reason, _who(scope))
    return _sent(parts, done)


@router.post("/{document_id}/undo", responses=_BODY, openapi_extra=described(UndoBody))
async def undo(
    parts: Parts,
    scope: CurrentAccess,
    document_id: UUID,
    body: Annotated[UndoBody, json_body(UndoBody)],
) -> DecisionOut:
    """Take a decision back; the document is judged without it, and published as the gate says.

    It stays in the record, and this is written beside it. Readers keep what they see until the gate
    has judged; where it refuses, the document is withdrawn.
    """
    version = await _newest(parts, scope, document_id)
    async with scope.reading(parts.database) as connection:
        decided = await review_decisions.of_document(connection, document_id)
    found = next((each for each in decided if each.id == body.decision), None)
    if found is None:
        raise NotFound("There is no such decision of this document.")
    async with _told():
        done = await reviewing.undo(parts.services, found, version, body.reason, _who(scope))
    return _sent(parts, done)


async def _item(parts: ApiParts, scope: RowAccess, document_id: UUID) -> ReviewItem:
    """What waits, as its user or an operator may see it: ownership is established here."""
    async with scope.reading(parts.database) as connection:
        item = await find_item(connection, document_id)
    if item is None:
        raise NotFound("There is no such document, or it waits for no review.")
    return item


async def _newest(parts: ApiParts, scope: RowAccess, document_id: UUID) -> VersionView:
    async with scope.reading(parts.database) as connection:
        document = await find_document(connection, document_id)
        job = None if document is None else document.job_id
        version = await find_version(connection, document_id, job) if job else None
    if version is None:
        raise NotFound("There is no such document.")
    return version


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """What cannot be done is a problem of the request."""
    try:
        yield
    except UsageError as error:
        raise Unprocessable(error.message, remedy=error.remedy) from error
    except ObjectMissing as error:
        raise NotFound(error.message, remedy=error.remedy) from error


def _who(scope: RowAccess) -> str:
    name = scope.caller.name or str(scope.caller.user_id)
    return f"{name} (operator)" if scope.caller.is_service else name


def _sent(parts: ApiParts, done: Reviewed) -> DecisionOut:
    if done.jobs:
        label = f"review {str(done.decision.id)[:8]}"
        parts.dispatcher.dispatch(list(done.jobs), done.run_id, label, done.decision.user_id)
    return _out(done.decision)


def _out(decision: ReviewDecision, undone: Collection[UUID | None] = ()) -> DecisionOut:
    correction = decision.correction
    return DecisionOut(
        id=decision.id,
        decision=decision.decision,
        reason=decision.reason,
        who=decision.who,
        at=decision.created_at,
        findings=decision.findings,
        correction=None if correction is None else CorrectionOut.model_validate(correction),
        undoes=decision.undoes,
        undone=decision.id in undone,
    )
