"""Uploads in one request: a multipart form whose file streams into the storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from app.api.body_timeouts import Pace, body_of
from app.api.dependencies import ApiParts, Parts
from app.api.fields import MAX_SOURCE, MAX_TAG, MAX_TAGS, FileName, Source, Tag
from app.api.multipart import Form
from app.api.problems import NotFound, Unprocessable, responses
from app.api.rate_limits import Uploader
from app.api.schemas import JobOut, job_out
from app.api.signed_urls import PREFIX
from app.api.streaming_intake import (
    Description,
    Received,
    accept,
    drop,
    receive,
    require_size,
    storage_use,
)
from pipeline.store.job_queries import find_job
from pipeline.store.registration import Outcome, Registered

router = APIRouter(tags=["uploads"])

T = TypeVar("T")

_FORM_OVERHEAD = 64 * 1024
_TAGS: TypeAdapter[list[str]] = TypeAdapter(Annotated[list[Tag], Field(max_length=MAX_TAGS)])
_SOURCE: TypeAdapter[str] = TypeAdapter(Source)
_NAME: TypeAdapter[str] = TypeAdapter(FileName)
_FORM = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "source": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_SOURCE,
            "description": "What it is a version of; without it, the file's content names it.",
        },
        "tags": {
            "type": "array",
            "maxItems": MAX_TAGS,
            "items": {"type": "string", "minLength": 1, "maxLength": MAX_TAG},
        },
    },
}
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
}
ACCEPTING = responses(400, 401, 408, 413, 415, 422, 429, 503)


class Accepted(BaseModel):
    """What an upload has become."""

    outcome: Outcome = Field(
        description="`new`, `changed`: there is work to do; `waiting`: the same bytes are being "
        "worked on; `unchanged`: they are published; `failed_before`: they failed or were "
        "cancelled, and can be retried."
    )
    job: JobOut


@dataclass(slots=True)
class _Sent:
    """The form so far."""

    received: Received | None = None
    filename: str = ""
    source: str | None = None
    tags: list[str] = field(default_factory=list)


@router.post(
    "/documents",
    status_code=202,
    responses={200: {"model": Accepted, "description": "We have these bytes already"}, **ACCEPTING},
    openapi_extra=_BODY,
)
async def upload_document(
    request: Request, response: Response, parts: Parts, caller: Uploader
) -> Accepted:
    """Take a file in: PDF, DOCX, HTML, Markdown or text.

    The same bytes again are answered with the job that they have; new bytes for a `source` are a
    new version of its document.
    """
    limit = parts.settings.max_file_bytes
    require_size(declared_size(request), limit + _FORM_OVERHEAD)
    async with _form(parts, request, caller.user_id) as sent:
        if sent.received is None:
            raise Unprocessable("The form has no field `file`.", remedy="Send the file in it.")
        described = Description(sent.filename, sent.source, sent.tags)
        registered = await accept(parts, caller.user_id, sent.received, described)
    return await answer(parts, caller.user_id, registered, response)


def declared_size(request: Request) -> int | None:
    """The size of the body as the client says it."""
    given = request.headers.get("content-length", "")
    return int(given) if given.isdigit() else None


async def answer(
    parts: ApiParts, user: UUID, registered: Registered, response: Response
) -> Accepted:
    """What is told of a registered upload; 200 when there is nothing new to do."""
    async with parts.database.reader(user) as connection:
        job = await find_job(connection, registered.job_id)
    if job is None:
        raise NotFound("The document was deleted meanwhile.")
    if registered.outcome not in (Outcome.NEW, Outcome.CHANGED):
        response.status_code = 200
    response.headers["Location"] = f"{PREFIX}/jobs/{registered.job_id}"
    return Accepted(outcome=registered.outcome, job=job_out(job, parts.services.version))


@asynccontextmanager
async def _form(parts: ApiParts, request: Request, user: UUID) -> AsyncIterator[_Sent]:
    """The form; what was stored of it is removed when it comes to nothing."""
    sent = _Sent()
    try:
        await _read(parts, request, user, sent)
        yield sent
    except BaseException:
        if sent.received is not None:
            await drop(parts, user, sent.received.key)
        raise


async def _read(parts: ApiParts, request: Request, user: UUID, sent: _Sent) -> None:
    use = await storage_use(parts, user)
    if use is not None:
        # Not to the byte, as the form around the file counts too; the file itself is counted below.
        use.require_room((declared_size(request) or 1) - _FORM_OVERHEAD)
        use.require_room(1)
    body = body_of(request, Pace.of(parts.settings))
    form = Form(request.headers.get("content-type", ""), body)
    async for part in form.parts():
        match part.name:
            case "file" if sent.received is None:
                sent.filename = _checked(_NAME, part.filename or "file", "file")
                sent.received = await receive(parts, user, form.pieces(), use)
            case "source" if sent.source is None:
                text = await form.text(4 * MAX_SOURCE)
                sent.source = _checked(_SOURCE, text, "source") if text else None
            case "tags":
                sent.tags.append(await form.text(4 * MAX_TAG))
            case "file" | "source":
                raise Unprocessable(f"The form has the field `{part.name}` twice.")
            case _:
                raise Unprocessable(
                    "The form has a field that is not known.",
                    remedy="Send `file`, and if you like `source` and `tags`.",
                )
    sent.tags = _checked(_TAGS, sent.tags, "tags")


def _checked(adapter: TypeAdapter[T], value: object, name: str) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise Unprocessable(f"The field `{name}` is wrong: {reason}.") from None
