"""Reads JSON bodies after authentication, at a cost linear in their size.

FastAPI reads and parses a declared body before any dependency runs, and so before the token is
looked at. Here the body is a dependency itself, which depends on the caller.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from app.api.body_timeouts import LostUpload
from app.api.problems import ApiProblem, Unsupported, WrongFields
from app.api.rate_limits import CurrentCaller

M = TypeVar("M", bound=BaseModel)

_REFERENCE = "#/components/schemas/{model}"
_MODELS: list[type[BaseModel]] = []


def json_body(model: type[M]) -> Any:
    """The dependency of a route that takes a model as its JSON body."""
    _MODELS.append(model)

    async def read(request: Request, caller: CurrentCaller) -> M:
        require_json(request.headers.get("content-type", ""))
        try:
            return parse(await request.body(), model)
        except ClientDisconnect:
            raise LostUpload("The request broke off.") from None

    return Depends(read)


def described(model: type[BaseModel]) -> dict[str, Any]:
    """What a route with such a body says of it, for `openapi_extra`."""
    schema = {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}
    return {"requestBody": {"required": True, "content": {"application/json": schema}}}


def schemas() -> dict[str, Any]:
    """The schemas of the bodies, for the OpenAPI document."""
    found: dict[str, Any] = {}
    for model in _MODELS:
        schema = model.model_json_schema(ref_template=_REFERENCE)
        found |= {**schema.pop("$defs", {}), model.__name__: schema}
    return found


def require_json(content_type: str) -> None:
    """Make sure that a body says that it is JSON.

    Raises:
        Unsupported: it does not.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        raise Unsupported(
            "The body is no JSON.", remedy="Send JSON with `Content-Type: application/json`."
        )


def parse(raw: bytes, model: type[M]) -> M:
    """The model in a body.

    Raises:
        Unreadable: it is no text, nested too deeply, or a number in it is too long.
        WrongFields: it is no JSON, or another thing; what is wrong is named, up to a number.
    """
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_without_repetition, parse_constant=_no_number
        )
        return model.model_validate(value)
    except (json.JSONDecodeError, _NotJson) as error:
        why = str(error) if isinstance(error, _NotJson) else "it is malformed"
        raise WrongFields([{"loc": ("body",), "msg": f"The body is no JSON: {why}."}]) from None
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        raise WrongFields([{**each, "loc": ("body", *each["loc"])} for each in told]) from None
    except (ValueError, RecursionError):
        raise Unreadable("The body cannot be read.", remedy="Send plain JSON as UTF-8.") from None


class Unreadable(ApiProblem):
    """A body that no reader takes."""

    status, code = 400, "bad_request"


class _NotJson(ValueError):
    """JSON that Python takes and others do not, or take for something else."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NotJson("a key is there twice")
    return found


def _no_number(constant: str) -> NoReturn:
    raise _NotJson(f"{constant} is no number")
