"""Routes of a user's own data: export and erasure (data protection)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from app.api.authorization import CurrentAccess
from app.api.dependencies import ApiParts, Parts
from app.api.problems import responses
from app.api.signed_urls import signed_link
from pipeline.store import access_log, erasure
from pipeline.store.access_log import Access, Action
from pipeline.store.export import everything
from stages import erasing

router = APIRouter(prefix="/users", tags=["users"])

LINK_SECONDS = 24 * 3600
"""How long the links to originals in an export are good for."""


class Erased(BaseModel):
    """What was erased."""

    documents: int
    passages: int
    objects: int = Field(description="Stored files.")
    reports: int = Field(description="Quality reports of runs with documents of theirs.")
    left: list[str] = Field(description="What an erasure does not reach.")


@router.get(
    "/me/export",
    responses={
        200: {
            "description": "JSON lines, each with its `kind`: document, job, chunk, event, access.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        },
        **responses(401, 403, 422, 429, 503),
    },
    response_class=StreamingResponse,
)
async def export(request: Request, parts: Parts, scope: CurrentAccess) -> StreamingResponse:
    """Everything that is kept of the caller; each job with a link to its original, good for a day.

    An operator names the user.
    """
    owner = scope.one_user
    async with parts.database.service() as connection:
        await access_log.log(connection, Access(owner, scope.caller.user_id, Action.EXPORT))
    return StreamingResponse(
        _lines(request, parts, scope),
        media_type="application/x-ndjson",
        headers={"Content-Disposition": "attachment; filename=export.ndjson"},
    )


async def _lines(request: Request, parts: ApiParts, scope: CurrentAccess) -> AsyncIterator[str]:
    async for kind, row in everything(parts.database, scope.one_user):
        line: dict[str, Any] = {"kind": kind, **row}
        if kind == "job" and row["state"] != "deleted":
            key = line.pop("storage_key")
            path = f"/originals/{row['id']}"
            link = await signed_link(parts, request, "GET", key, path, LINK_SECONDS)
            line["original"] = link.url
        line.pop("storage_key", None)
        yield json.dumps(line, default=str, ensure_ascii=False) + "\n"


@router.delete("/me", responses=responses(401, 403, 409, 422, 429, 503))
async def erase(
    parts: Parts,
    scope: CurrentAccess,
    confirm: Annotated[Literal["erase"], Query(description="So that nobody does it by mistake.")],
) -> Erased:
    """Erase the caller: documents, passages, files, runs, reports. That it was done stays known.

    An operator names the user. Again it erases what was left when it was interrupted.
    """
    reports = parts.settings.home / "reports"
    async with parts.database.service() as connection:
        waiting = await erasure.unfinished_jobs(connection, scope.one_user)
    done = await erasing.erase(
        parts.database, parts.storage, reports, scope.one_user, scope.caller.user_id
    )
    parts.dispatcher.withdraw(scope.one_user, waiting)
    return Erased(**asdict(done), left=list(erasing.LEFT))
