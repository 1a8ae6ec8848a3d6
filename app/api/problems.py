"""Errors as RFC 9457 problem details: what happened, and what to do, for programs and people."""

from __future__ import annotations

from collections.abc import Mapping
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
    NavigatorError,
    RateLimited,
    TransientError,
    UsageError,
)
from pipeline.logs import logger

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
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
    errors: list[WrongField] | None = None


class ApiProblem(NavigatorError):
    """An error that has its own HTTP status."""

    status = 400
    headers: Mapping[str, str] = MappingProxyType({})


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

    status = 409
    code = "conflict"


class TooLarge(ApiProblem):
    """More bytes than are taken."""

    status = 413
    code = "too_large"


class Unsupported(ApiProblem):
    """A kind of content that is not taken."""

    status = 415
    code = "unsupported_media_type"


class Unprocessable(ApiProblem):
    """The request is understood and makes no sense."""

    status = 422
    code = "invalid_request"


def problem(
    status: int,
    detail: str,
    code: str,
    remedy: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[WrongField] | None = None,
) -> JSONResponse:
    """A problem as a response."""
    body = Problem(
        type=f"urn:insurance-navigator:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        remedy=remedy,
        errors=errors,
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
    status, headers = _status(error), dict(getattr(error, "headers", {}))
    if status in (429, 503):
        headers.setdefault("Retry-After", str(RETRY_SECONDS))
    if status >= 500:
        _LOG.error("request_failed", error=type(error).__name__, why=error.message)
    return problem(status, error.message, error.code, error.remedy, headers=headers)


def _status(error: NavigatorError) -> int:
    match error:
        case ApiProblem():
            return error.status
        case RateLimited():
            return 429
        case TransientError():
            return 503
        case IllegalTransition():
            return 409
        case ConfigurationError():
            return 500
        case UsageError():
            return 422
        case _:
            return 500


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [
        WrongField(where=".".join(str(part) for part in each["loc"]), message=each["msg"])
        for each in error.errors()
    ]
    detail = "The request is not as it should be."
    remedy = "Correct what `errors` names."
    return problem(422, detail, "invalid_request", remedy, errors=wrong)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = {
        400: "The request cannot be read.",
        404: "There is nothing under this address.",
        405: "This address does not take that method.",
    }.get(error.status_code, str(error.detail))
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return problem(error.status_code, detail, code, headers=error.headers)


def unforeseen() -> JSONResponse:
    """What is said of an error that nobody foresaw: nothing of itself."""
    detail = "Something unforeseen went wrong."
    return problem(500, detail, "unexpected", "Try again; if it stays, tell an operator.")
