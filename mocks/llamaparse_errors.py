"""LlamaParse's errors, as the mock server answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mocks.faults import Fault
from mocks.wire import Response, json_response

RATE_LIMITED = "Rate limit exceeded. Please slow down."


class BadField(ValueError):
    """A field that the service does not take: its name, why, and what was given."""

    def __init__(self, name: str, message: str, given: Any = None) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message, self.given = name, message, given


def error(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """An error in the service's form."""
    return json_response(status, {"detail": detail}, headers)


def scripted(fault: Fault | None) -> Response | None:
    """The answer that a fault asks for; None when it asks for something else."""
    if fault is None:
        return None
    given = fault.parameters
    headers = {"retry-after": str(given["retry_after"])} if "retry_after" in given else {}
    answers: dict[str, Callable[[], Response]] = {
        "rate_limit": lambda: error(429, RATE_LIMITED, headers),
        "quota": lambda: error(402, "You've exceeded the maximum number of credits for your plan."),
        "status": lambda: error(
            int(given.get("status", 500)),
            str(given.get("detail", "Internal error. Correlation id: 0f0f0f")),
            headers,
        ),
        "not_json": lambda: Response(200, b"<html>gateway</html>", {"content-type": "text/html"}),
    }
    return answers[fault.kind]() if fault.kind in answers else None


def invalid(name: str, message: str, given: Any = None, kind: str = "value_error") -> Response:
    """A validation error of one field of the body."""
    detail = [{"type": kind, "loc": ["body", name], "msg": message, "input": given}]
    return json_response(422, {"detail": detail})
