"""Routes of one page of a document: its parsed text and chunks, and its picture."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Response

from app.api.authorization import CurrentAccess, RowAccess
from app.api.dependencies import ApiParts, Parts
from app.api.page_images import PagePictures
from app.api.page_schemas import PageOut, page_out
from app.api.problems import ApiProblem, NotFound, responses
from app.api.signed_urls import PREFIX
from clients.storage.objects import ObjectMissing
from pipeline.errors import NavigatorError
from pipeline.parsing.rendering import LONGEST_SIDE
from pipeline.store import access_log
from pipeline.store.access_log import Access, Action
from pipeline.store.page_queries import VersionView, find_version
from stages.page_view import PageMissing, PageNotDrawn, read_page, refuse_undrawn

router = APIRouter(tags=["documents"])

Number = Annotated[int, Path(ge=1, lt=2**31, description="From 1.")]
Job = Annotated[
    UUID | None,
    Query(description="One version; else the published one, or the newest while none is."),
]
_ONE = responses(401, 403, 404, 422, 429, 503)
# Kept by the reader's own browser alone, and each time asked for whether it may still be shown.
_CACHING = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


class NotDrawn(ApiProblem):
    """There is a page, and drawing it failed."""

    status = 422
    code = "page_not_drawn"


@router.get("/documents/{document_id}/pages/{number}", responses=_ONE)
async def get_page(
    parts: Parts, scope: CurrentAccess, document_id: UUID, number: Number, job: Job = None
) -> PageOut:
    """What was read of one page: text, tables, notes, and its chunks with where they stand."""
    async with scope.reading(parts.database) as connection:
        version = _there(await find_version(connection, document_id, job))
    try:
        view = await read_page(
            lambda: scope.reading(parts.database),
            parts.storage, parts.services.texts, version, number,
        )  # fmt: skip
    except (PageMissing, ObjectMissing) as error:
        raise _problem(error) from error
    await _log(parts, scope, version, Action.PAGE)
    address = f"{PREFIX}/documents/{document_id}/pages/{number}/picture"
    query = f"?job={job}" if job is not None else ""
    return page_out(view, address + query if view.drawn else None)


@router.get(
    "/documents/{document_id}/pages/{number}/picture",
    responses={
        200: {
            "description": "The picture",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "It is the one that `If-None-Match` names"},
        **_ONE,
    },
    response_class=Response,
)
async def get_picture(
    parts: Parts,
    scope: CurrentAccess,
    document_id: UUID,
    number: Number,
    job: Job = None,
    width: Annotated[
        int,
        Query(
            ge=50,
            le=LONGEST_SIDE,
            description=f"In pixels; less where the height would pass {LONGEST_SIDE}.",
        ),
    ] = 1200,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A page's picture, as its reader sees it; looking at it is logged."""
    async with scope.reading(parts.database) as connection:
        version = _there(await find_version(connection, document_id, job))
    try:
        refuse_undrawn(version, number)
        tag = PagePictures.etag(version, number, width)
        headers = {"ETag": tag, **_CACHING}
        known = tag in (if_none_match or "")
        picture = b"" if known else await parts.pictures.draw(version, number, width)
    except (PageMissing, PageNotDrawn, ObjectMissing) as error:
        raise _problem(error) from error
    await _log(parts, scope, version, Action.PAGE_PICTURE)
    if known:
        return Response(status_code=304, headers=headers)
    return Response(picture, media_type="image/png", headers=headers)


async def _log(parts: ApiParts, scope: RowAccess, version: VersionView, action: Action) -> None:
    caller = scope.caller.user_id
    asked = Access(version.user_id, caller, action, version.document_id, 1)
    async with parts.database.service() as connection:
        await access_log.log(connection, asked)


def _there(version: VersionView | None) -> VersionView:
    if version is None:
        raise NotFound("There is no such document, or it has no such version.")
    return version


def _problem(error: NavigatorError) -> ApiProblem:
    kind = NotDrawn if isinstance(error, PageNotDrawn) else NotFound
    return kind(error.message, code=error.code, remedy=error.remedy)
