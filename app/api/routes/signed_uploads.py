"""Uploads in two steps through a signed URL: announce, send the bytes, complete."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.body_timeouts import Pace, body_of
from app.api.dependencies import ApiParts, Parts
from app.api.fields import MAX_TAGS, FileName, Source, Tag
from app.api.json_bodies import described, json_body
from app.api.problems import Conflict, NotFound, Unprocessable, responses
from app.api.rate_limits import CurrentCaller, Uploader
from app.api.routes.uploads import ACCEPTING, Accepted, answer, declared_size
from app.api.signed_urls import PREFIX, Link, signed_link
from app.api.streaming_intake import (
    Description,
    Measured,
    accept,
    measure,
    require_size,
    storage_use,
)
from clients.storage.objects import incoming_key, incoming_stem
from pipeline.store import pending_objects, quotas, uploads
from pipeline.store.registration import Outcome, Registered
from pipeline.store.uploads import AnnouncedUpload

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

router = APIRouter(prefix="/uploads", tags=["uploads"])

OPEN_UPLOADS = 1000
"""Announced uploads that a user may have open at once."""
_SECONDS_TO_COMPLETE = 3600


class Announcement(BaseModel):
    """A file that is going to be sent."""

    model_config = ConfigDict(extra="forbid")

    name: FileName
    bytes: int | None = Field(default=None, ge=1, le=2**62, description="Its size, when known.")
    source: Source | None = None
    tags: list[Tag] = Field(default=[], max_length=MAX_TAGS)


class Announced(BaseModel):
    """Where to send it."""

    id: UUID
    upload: Link = Field(description="Send the bytes as they are, with this method.")
    expires_at: datetime = Field(description="Complete it before then.")


@router.post(
    "",
    status_code=201,
    responses=responses(400, 401, 409, 413, 415, 422, 429, 503),
    openapi_extra=described(Announcement),
)
async def announce_upload(
    request: Request,
    parts: Parts,
    caller: Uploader,
    body: Annotated[Announcement, json_body(Announcement)],
) -> Announced:
    """Ask for a signed URL, to which a browser sends a file without a token."""
    require_size(body.bytes, parts.settings.max_file_bytes)
    async with parts.database.reader(caller.user_id) as connection:
        if await uploads.count_open(connection) >= OPEN_UPLOADS:
            raise Conflict(
                "Too many announced uploads are open.", remedy="Complete them, or wait an hour."
            )
    upload_id = uuid4()
    seconds = parts.settings.signed_url_seconds + _SECONDS_TO_COMPLETE
    async with parts.database.service() as connection:
        await _reserve(connection, caller.user_id, body.bytes, parts.settings.user_quota_bytes)
        until = await uploads.announce(
            connection,
            upload_id,
            caller.user_id,
            source=body.source,
            name=body.name,
            tags=body.tags,
            declared_bytes=body.bytes,
            seconds=seconds,
        )
        # Longer than its time, since who begins to complete it in time may go on beyond it.
        stems, held = [incoming_stem(upload_id)], seconds + pending_objects.HOLD_SECONDS
        await pending_objects.acquire(connection, caller.user_id, stems, held)
    key = incoming_key(caller.user_id, upload_id)
    link = await signed_link(parts, request, "PUT", key, f"/uploads/{upload_id}/content")
    return Announced(id=upload_id, upload=link, expires_at=until)


@router.put(
    "/{upload_id}/content",
    status_code=204,
    responses=responses(400, 403, 404, 408, 409, 413, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def send_upload(
    request: Request,
    parts: Parts,
    upload_id: UUID,
    expires: Annotated[int, Query(ge=0, lt=2**53)],
    signature: Annotated[str, Query(max_length=100)],
) -> None:
    """Send the bytes to the signed URL; again replaces what was sent before."""
    parts.signer.check("PUT", f"{PREFIX}/uploads/{upload_id}/content", expires, signature)
    # The signature establishes whose it is; there is no token here.
    async with parts.database.service() as connection:
        upload = _open(await uploads.find(connection, upload_id))
    limit = min(upload.declared_bytes or 2**62, parts.settings.max_file_bytes)
    require_size(declared_size(request), limit)
    # What was declared is counted since it was announced.
    use = await storage_use(parts, upload.user_id) if upload.declared_bytes is None else None
    pieces = body_of(request, Pace.of(parts.settings))
    key = incoming_key(upload.user_id, upload.id)
    await parts.storage.put(key, Measured(limit, use).passing(pieces))


@router.post(
    "/{upload_id}/complete",
    status_code=202,
    responses={
        200: {"model": Accepted, "description": "We have these bytes already"},
        **ACCEPTING,
        **responses(404, 409),
    },
)
async def complete_upload(
    response: Response, parts: Parts, caller: CurrentCaller, upload_id: UUID
) -> Accepted:
    """Turn what was sent into a job; again is answered with the same job."""
    upload = await _find(parts, caller.user_id, upload_id)
    try:
        registered = _completed(upload) or await _complete(parts, _open(upload))
    except NotFound:
        # Completed twice at once, the other one may have taken the bytes.
        done = _completed(await _find(parts, caller.user_id, upload_id))
        if done is None:
            raise
        registered = done
    return await answer(parts, caller.user_id, registered, response)


async def _reserve(connection: AsyncConnection, user: UUID, size: int | None, allowed: int) -> None:
    """Make sure that an announced upload fits into its user's quota, which counts it from now on.

    Raises:
        StorageQuotaReached: it does not. Unprocessable: it did not say its size.
    """
    if not allowed:
        return
    if size is None:
        raise Unprocessable(
            "There is a storage quota, so an upload has to say its size.",
            remedy="Send the size of the file as `bytes`.",
        )
    await quotas.lock_announcements(connection, user)
    (await quotas.storage_use(connection, user, allowed)).require_room(size)


async def _find(parts: ApiParts, user: UUID, upload_id: UUID) -> AnnouncedUpload | None:
    async with parts.database.reader(user) as connection:
        return await uploads.find(connection, upload_id)


def _completed(upload: AnnouncedUpload | None) -> Registered | None:
    if upload is None or upload.job_id is None:
        return None
    return Registered(upload.source or "", upload.job_id, upload.job_id, Outcome.WAITING)


async def _complete(parts: ApiParts, upload: AnnouncedUpload) -> Registered:
    received = await measure(parts, upload.user_id, incoming_key(upload.user_id, upload.id))
    if upload.declared_bytes not in (None, received.size):
        raise Conflict(
            f"{received.size} bytes were sent where {upload.declared_bytes} were announced.",
            remedy="Send the whole file again, then complete it.",
        )
    reserved = upload.declared_bytes or 0
    described = Description(upload.name, upload.source, upload.tags, reserved)
    registered = await accept(parts, upload.user_id, received, described)
    async with parts.database.service() as connection:
        await uploads.complete(connection, upload.id, upload.user_id, registered.job_id)
    return registered


def _open(upload: AnnouncedUpload | None) -> AnnouncedUpload:
    if upload is None:
        raise NotFound("There is no such upload.")
    if upload.job_id is not None:
        raise Conflict("This upload is complete already.", remedy="Announce a new one.")
    if upload.expired:
        raise Conflict("This upload has expired.", remedy="Announce a new one.")
    return upload
