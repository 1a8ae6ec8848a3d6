"""Requests as received and responses as sent, with how their bytes are delivered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from email.utils import formatdate
from enum import StrEnum
from typing import Any, Protocol

import orjson

from mocks.faults import Fault


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was received; header names are in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def bearer(self) -> str:
        """The token of the Authorization header, or an empty string."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


class Delivery(StrEnum):
    """How a response leaves the server."""

    WHOLE = "whole"
    SLOW = "slow"  # in small pieces, spread over `seconds`
    CUT = "cut"  # headers and half of the body, then the connection ends
    RESET = "reset"  # nothing but a TCP reset
    HANG = "hang"  # nothing at all for `seconds`, then a reset


@dataclass(frozen=True, slots=True)
class Response:
    """An answer and how it is delivered.

    Attributes:
        seconds: of a slow or hanging delivery.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    seconds: float = 0.0

    def head(self) -> list[tuple[str, str]]:
        """The headers, with the date and the length that every answer says."""
        said = {"date": formatdate(usegmt=True), "content-length": str(len(self.body))}
        return list({**self.headers, **said}.items())

    def delivered(self, delivery: Delivery, seconds: float = 0.0) -> Response:
        """The same answer, delivered otherwise."""
        return replace(self, delivery=delivery, seconds=seconds)

    def with_headers(self, headers: dict[str, str]) -> Response:
        """The same answer with more headers; equal names are replaced."""
        return replace(self, headers={**self.headers, **headers})


def json_response(
    status: int, value: Any, headers: dict[str, str] | None = None, options: int = 0
) -> Response:
    """A JSON answer."""
    body = orjson.dumps(value, option=options)
    return Response(status, body, {"content-type": "application/json", **(headers or {})})


class Service(Protocol):
    """A mock server for one outside service."""

    name: str

    def owns(self, path: str) -> bool:
        """Whether a request path is this service's."""

    async def respond(self, request: Request, fault: Fault | None) -> Response:
        """Answer; a fault that concerns the content, not the transport, is applied here."""

    def stats(self) -> dict[str, Any]:
        """The counters as JSON-able values."""

    def reset(self) -> None:
        """Forget everything but the settings."""
