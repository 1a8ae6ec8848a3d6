"""LlamaParse's errors."""

from __future__ import annotations

from collections.abc import Callable

from mocks.faults import Fault
from mocks.wire import Response, json_response


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
        "rate_limit": lambda: error(429, "Rate limit exceeded. Please slow down.", headers),
        "quota": lambda: error(402, "You've exceeded the maximum number of credits for your plan."),
        "status": lambda: error(
            int(given.get("status", 500)),
            str(given.get("detail", "Internal error. Correlation id: 0f0f0f")),
            headers,
        ),
        "not_json": lambda: Response(200, b"<html>gateway</html>", {"content-type": "text/html"}),
    }
    return answers[fault.kind]() if fault.kind in answers else None


def invalid(where: str, name: str, message: str) -> Response:
    """A validation error of one field."""
    detail = [{"type": "value_error", "loc": [where, name], "msg": message, "input": None}]
    return json_response(422, {"detail": detail})
