"""Routes of quality reports: list, make, read as page or JSON; a signed link opens one's page."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.api.authorization import CurrentAccess
from app.api.dependencies import Parts
from app.api.problems import Forbidden, NotFound, responses
from flows.report_making import make_report
from pipeline.store import report_seals
from pipeline.store.report_seals import SealRow
from stages.report_keys import report_keys
from stages.report_links import is_signed
from stages.report_sealing import exported

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

router = APIRouter(prefix="/reports", tags=["reports"])

_MOST = 100
_AS = Annotated[
    Literal["html", "json"], Query(alias="format", description="The page, or the figures.")
]
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report as it was signed",
        "content": {"text/html": {}, "application/json": {}},
    }
}
_READ = {**_PAGE, **responses(401, 403, 404, 422, 429, 503)}
# The page brings its own, which allows less; no shared cache keeps it.
_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class ReportOut(BaseModel):
    """A signed report."""

    id: UUID
    number: int = Field(description="Its place in the chain of all reports.")
    made_at: datetime
    run_id: UUID | None = Field(description="The run that it is about; null: over time.")
    everybody: bool = Field(description="Over everybody's documents, which operators may see.")
    key: str = Field(description="The fingerprint of the key that signed it.")


class ReportsOut(BaseModel):
    """Reports, newest first."""

    items: list[ReportOut]


@router.get("", responses=responses(401, 403, 422, 429, 503))
async def list_reports(
    parts: Parts,
    scope: CurrentAccess,
    run_id: UUID | None = None,
    before: Annotated[int | None, Query(ge=1, description="With lower numbers only.")] = None,
) -> ReportsOut:
    """The reports on what the caller may see: a user's own, an operator's over everybody."""
    async with scope.reading(parts.database) as connection:
        found = await report_seals.listed(
            connection, scope.user, run_id=run_id, before=before, limit=_MOST
        )
    return ReportsOut(items=[_out(each) for each in found])


@router.post("", status_code=201, responses=responses(401, 403, 422, 429, 503))
async def post_report(
    parts: Parts,
    scope: CurrentAccess,
    run_id: UUID | None = None,
    days: Annotated[int, Query(ge=1, le=366, description="How far back it goes.")] = 30,
) -> ReportOut:
    """Make a report on what the caller may see, and sign it."""
    made = await make_report(
        parts.database, parts.settings, run_id=run_id, user_id=scope.user, days=days
    )
    return _out(made.seal)


@router.get("/latest", responses=_READ, response_class=Response)
async def get_latest(parts: Parts, scope: CurrentAccess, kind: _AS = "html") -> Response:
    """The newest report over time on what the caller may see."""
    async with scope.reading(parts.database) as connection:
        found = await report_seals.listed(connection, scope.user, any_run=False, limit=1)
        if not found:
            raise NotFound(
                "No report was made yet.",
                remedy="`POST /api/v1/reports` makes one; the schedule makes one a day.",
            )
        return await _answer(connection, found[0], kind)


@router.get("/{report_id}", responses=_READ, response_class=Response)
async def get_report(
    parts: Parts, scope: CurrentAccess, report_id: UUID, kind: _AS = "html"
) -> Response:
    """One report, as a page or as JSON with its signature."""
    async with scope.reading(parts.database) as connection:
        row = await _report(connection, report_id)
        return await _answer(connection, row, kind)


@router.get(
    "/{report_id}/signed",
    responses={**_PAGE, **responses(403, 404, 422, 503)},
    response_class=Response,
)
async def get_signed(
    parts: Parts,
    report_id: UUID,
    expires: Annotated[int, Query(ge=0, lt=2**53)],
    key: Annotated[str, Query(max_length=64)],
    signature: Annotated[str, Query(max_length=128)],
) -> Response:
    """The page of a report by the signed link that its run left in Prefect; no token."""
    keys = await asyncio.to_thread(report_keys, parts.settings)
    if not is_signed(keys, report_id, expires, key, signature):
        raise Forbidden(
            "The signature of this link is wrong.",
            remedy="Ask for the report with a token; where runs and the API have different homes, "
            "give both the same NAVIGATOR_REPORT_KEYS.",
            code="wrong_signature",
        )
    if expires < time.time():
        raise Forbidden(
            "This link has expired.", remedy="Ask for the report with a token.", code="link_expired"
        )
    async with parts.database.service() as connection:
        return await _answer(connection, await _report(connection, report_id), "html")


async def _report(connection: AsyncConnection, report_id: UUID) -> SealRow:
    for row in await report_seals.seals_of(connection, report_id):
        if row.kind == "report":
            return row
    raise NotFound("There is no such report.", remedy="`GET /api/v1/reports` lists them.")


async def _answer(connection: AsyncConnection, row: SealRow, kind: str) -> Response:
    read = report_seals.content_of if kind == "json" else report_seals.page_of
    found = await read(connection, row.id)
    if found is None:
        raise NotFound(
            "This report was removed; its link in the chain is still there.",
            remedy="`navigator report verify --all` says why.",
        )
    if kind == "json":
        return JSONResponse(await asyncio.to_thread(exported, row, found), headers=_HEADERS)
    page = await asyncio.to_thread(gzip.decompress, found)
    return Response(page, media_type="text/html; charset=utf-8", headers=_HEADERS)


def _out(row: SealRow) -> ReportOut:
    return ReportOut(
        id=row.id,
        number=row.number,
        made_at=row.made_at,
        run_id=row.run_id,
        everybody=row.user_id is None,
        key=str(json.loads(row.statement)["key"]),
    )
