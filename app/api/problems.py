"""Turns errors into RFC 9457 problem details: what happened, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pipeline.errors import (
    ConfigurationError,
    IllegalTransition,
    LegalHold,
    NavigatorError,
    RateLimited,
    TransientError,
    UsageError,
)
from pipeline.full_disk import DISK_FULL, REQUESTERS_REMEDY, TOLD_REQUESTERS
from pipeline.logs import logger
from pipeline.quotas import StorageQuotaReached

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
SHOWN_ERRORS = 20
"""Of what is wrong with one request; the rest is counted."""
_SHOWN_WORDS = 200
"""Letters of a name or a sentence."""
_LOG = logger("navigator.api")


class WrongField(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="The field or parameter, such as `body.question`.")
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="A URI that names this kind of problem.")
    title: str
    status: int
    detail: str = Field(description="One sentence saying what happened.")
    code: str = Field(description="The kind of problem, for programs.")
    remedy: str = Field(description="What to do about it; may be empty.")
    errors: list[WrongField] | None = Field(
        default=None, description=f"The first {SHOWN_ERRORS} things that are wrong."
    )
    used: int | None = Field(default=None, description="Bytes of the quota that are used.")
    allowed: int | None = Field(default=None, description="Bytes that the quota allows.")


class ApiProblem(NavigatorError):
    """An error that has its own HTTP status.

    Attributes:
        more: of the problem's own fields, beside what every error has.
    """

    status = 400
    headers: Mapping[str, str] = MappingProxyType({})
    more: Mapping[str, Any] = MappingProxyType({})


class Unauthenticated(ApiProblem):
    """Nobody, or nobody that we know."""

    status = 401
    code = "unauthenticated"
    remedy = "Log in again and send the token as `Authorization: Bearer …`."
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer realm="insurance-navigator"'})


class Forbidden(ApiProblem):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"


class NotFound(ApiProblem):
    """It is not there, or it is somebody else's: the caller cannot tell which."""

    status = 404
    code = "not_found"


class Conflict(ApiProblem):
    """It cannot be done in the state that things are in."""

    status, code = 409, "conflict"


class TooLarge(ApiProblem):
    """More bytes than are taken."""

    status, code = 413, "too_large"


class Unsupported(ApiProblem):
    """A kind of content that is not taken."""

    status = 415
    code = "unsupported_media_type"


class Unprocessable(ApiProblem):
    """The request is understood and makes no sense."""

    status, code = 422, "invalid_request"


class WrongFields(Unprocessable):
    """Fields or parameters of a request are wrong.

    Args:
        errors: as pydantic tells them; the first are named, the others counted.
    """

    remedy = "Correct what `errors` names."

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        detail = "The request is not as it should be."
        if len(errors) > SHOWN_ERRORS:
            detail = (
                f"The request is not as it should be: {len(errors):,} things are wrong, of which "
                f"{SHOWN_ERRORS} are named."
            )
        super().__init__(detail)
        self.more = {"errors": [_wrong_field(each) for each in errors[:SHOWN_ERRORS]]}


def problem(
    status: int,
    detail: str,
    code: str,
    remedy: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> JSONResponse:
    """A problem as a response."""
    body = Problem(
        type=f"urn:insurance-navigator:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        remedy=remedy,
        **more,
    )
    content = body.model_dump(exclude_none=True)
    return JSONResponse(content, status, dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    app.add_exception_handler(NavigatorError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def schemas() -> dict[str, Any]:
    """The schemas of a problem, for the OpenAPI document."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), "Problem": schema}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents for these statuses."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: schema},
        }
        for status in statuses
    }


async def _ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NavigatorError)
    return response_of(error)


def response_of(error: NavigatorError) -> JSONResponse:
    """An error of ours as a problem; one of the server's own making is logged."""
    status, headers = _status(error), dict(getattr(error, "headers", {}))
    if status in (429, 503):
        headers.setdefault("Retry-After", str(RETRY_SECONDS))
    if status >= 500:
        _LOG.error("request_failed", error=type(error).__name__, reason=error.message)
    more = getattr(error, "more", {})
    if error.code == DISK_FULL:  # its own words name a folder
        return problem(status, TOLD_REQUESTERS, DISK_FULL, REQUESTERS_REMEDY, headers=headers)
    if isinstance(error, StorageQuotaReached):
        more = {"used": error.used, "allowed": error.allowed}
    return problem(status, error.message, error.code, error.remedy, headers=headers, more=more)


def _status(error: NavigatorError) -> int:
    match error:
        case ApiProblem():
            return error.status
        case StorageQuotaReached():
            return 413
        case RateLimited():
            return 429
        case TransientError():
            return 503
        case IllegalTransition() | LegalHold():
            return 409
        case ConfigurationError():
            return 500
        case UsageError():
            return 422
        case _:
            return 500


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return await _ours(request, WrongFields(error.errors()))


def _wrong_field(told: Mapping[str, Any]) -> WrongField:
    where = ".".join(str(part) for part in told["loc"])
    # The names of fields come from outside, and are of any length.
    return WrongField(where=where[:_SHOWN_WORDS], message=str(told["msg"])[:_SHOWN_WORDS])


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = {
        400: "The request cannot be read.",
        404: "There is nothing under this address.",
        405: "This address does not take that method.",
    }.get(error.status_code, str(error.detail))
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return problem(error.status_code, detail, code, headers=error.headers)


def sentence_of(error: Exception) -> str:
    """The same for those who read sentences: what happened, and what to do about it."""
    response = response_of(error) if isinstance(error, NavigatorError) else unforeseen()
    said = json.loads(bytes(response.body))
    return f"{said['detail']} {said['remedy']}".strip()


def unforeseen() -> JSONResponse:
    """What is said of an error that nobody foresaw: nothing of itself."""
    detail = "Something unforeseen went wrong."
    return problem(500, detail, "unexpected", "Try again; if it stays, tell an operator.")
