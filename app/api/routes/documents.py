"""Routes of documents: list, versions, download of the original, delete."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from app.api.authorization import CurrentAccess, RowAccess
from app.api.dependencies import ApiParts, Parts
from app.api.fields import MAX_SOURCE, MAX_TAGS, Cursor, Limit, Line, Tag, cursor_of, place_of
from app.api.problems import NotFound, responses
from app.api.routes.jobs import PERSON, States, chosen_states
from app.api.schemas import DocumentDetail, DocumentPage, document_out, job_out
from app.api.signed_urls import PREFIX, Link, signed_link
from pipeline.errors import LegalHold
from pipeline.states import JobState
from pipeline.store import access_log
from pipeline.store.access_log import Access, Action
from pipeline.store.document_queries import (
    DocumentFilter,
    DocumentView,
    find_document,
    list_documents,
)
from pipeline.store.job_queries import JobFilter, JobView, Place, find_job, list_jobs
from stages import syncing

router = APIRouter(tags=["documents"])

_ONE = responses(401, 403, 404, 422, 429, 503)
_DELETED = responses(401, 403, 404, 409, 422, 429, 503)
_MOST_VERSIONS = 1000


@router.get("/documents", responses=responses(401, 403, 422, 429, 503))
async def get_documents(
    parts: Parts,
    scope: CurrentAccess,
    state: States = None,
    tag: Annotated[list[Tag] | None, Query(max_length=MAX_TAGS)] = None,
    source: Annotated[Line | None, Query(max_length=MAX_SOURCE)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DocumentPage:
    """Documents, newest first, each with the state of its newest version."""
    chosen = DocumentFilter(chosen_states(state), tag or (), source)
    async with scope.reading(parts.database) as connection:
        found = await list_documents(connection, chosen, place_of(cursor), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return DocumentPage(
        items=[document_out(each) for each in found[:limit]],
        next=cursor_of(Place(last.created_at, last.document_id)) if last else None,
    )


@router.get("/documents/{document_id}", responses=_ONE)
async def get_document(parts: Parts, scope: CurrentAccess, document_id: UUID) -> DocumentDetail:
    """One document with its versions, newest first."""
    async with scope.reading(parts.database) as connection:
        document = _there(await find_document(connection, document_id))
        chosen = JobFilter(document=document_id)
        jobs = await list_jobs(connection, chosen, None, _MOST_VERSIONS)
    shown = [job_out(job) for job in jobs]
    return DocumentDetail(**document_out(document).model_dump(), jobs=shown)


@router.delete("/documents/{document_id}", status_code=204, responses=_DELETED)
async def delete_document(parts: Parts, scope: CurrentAccess, document_id: UUID) -> None:
    """Delete a document with all its versions and everything made of them."""
    async with scope.reading(parts.database) as connection:
        document = _there(await find_document(connection, document_id))
    done = await syncing.delete(
        parts.database, parts.storage, [document_id], PERSON, document.user_id
    )
    if done.held:
        raise LegalHold("The document has to be kept for a legal reason, so it was not deleted.")


@router.get("/documents/{document_id}/original", responses=_ONE)
async def get_original(
    request: Request,
    parts: Parts,
    scope: CurrentAccess,
    document_id: UUID,
    version: Annotated[
        int | None, Query(ge=1, lt=2**31, description="The newest when left out.")
    ] = None,
) -> Link:
    """A short-lived link to the bytes as they were uploaded; asking for it is logged."""
    job = await _version(parts, scope, document_id, version)
    link = await signed_link(parts, request, "GET", job.storage_key, f"/originals/{job.job_id}")
    asked = Access(job.user_id, scope.caller.user_id, Action.ORIGINAL, document_id, 1)
    async with parts.database.service() as connection:
        await access_log.log(connection, asked)
    return link


@router.get(
    "/originals/{job_id}",
    responses={
        200: {
            "description": "The bytes",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        **responses(403, 404, 422, 503),
    },
    response_class=StreamingResponse,
)
async def read_original(
    parts: Parts,
    job_id: UUID,
    expires: Annotated[int, Query(ge=0, lt=2**53)],
    signature: Annotated[str, Query(max_length=100)],
) -> StreamingResponse:
    """The bytes behind a signed link: always as a file to save, never as a page to show."""
    parts.signer.check("GET", f"{PREFIX}/originals/{job_id}", expires, signature)
    async with parts.database.service() as connection:
        job = await find_job(connection, job_id)
    if job is None or job.state == JobState.DELETED:
        raise NotFound("The document was deleted.")
    size = await parts.storage.size(job.storage_key)
    if size is None:
        raise NotFound("The stored file is missing.", remedy="Upload it again.")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(job.name, safe='')}",
        "Content-Length": str(size),
    }
    return StreamingResponse(
        parts.storage.pieces(job.storage_key), headers=headers,
        media_type="application/octet-stream",
    )  # fmt: skip


async def _version(
    parts: ApiParts, scope: RowAccess, document_id: UUID, version: int | None
) -> JobView:
    async with scope.reading(parts.database) as connection:
        document = _there(await find_document(connection, document_id))
        if version is None and document.job_id is not None:
            job = await find_job(connection, document.job_id)
        else:
            chosen = JobFilter(document=document_id)
            jobs = await list_jobs(connection, chosen, None, _MOST_VERSIONS)
            job = next((each for each in jobs if each.version == version), None)
    if job is None:
        raise NotFound("The document has no such version.")
    return job


def _there(document: DocumentView | None) -> DocumentView:
    if document is None:
        raise NotFound("There is no such document.")
    return document
