"""Documents: what a user has, with where each stands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from app.api.authentication import CurrentCaller
from app.api.parts import Parts
from app.api.problems import responses
from pipeline.store import history

router = APIRouter(prefix="/documents", tags=["documents"])


class DocumentOut(BaseModel):
    """A document and where its newest version stands."""

    model_config = ConfigDict(from_attributes=True)

    document_id: UUID
    job_id: UUID | None
    source: str
    name: str
    tags: list[str]
    state: str | None
    published: bool
    version: int | None
    updated_at: datetime


class DocumentPage(BaseModel):
    """Some of the documents, and how many there are."""

    items: list[DocumentOut]
    total: int


@router.get("", responses=responses(401, 422, 503))
async def list_documents(
    parts: Parts, caller: CurrentCaller, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> DocumentPage:
    """The caller's documents, by name."""
    async with parts.database.reader(caller.user_id) as connection:
        found, total = await history.list_documents(connection, limit=limit)
    return DocumentPage(items=[DocumentOut.model_validate(each) for each in found], total=total)
