"""OpenAI's errors, word by word where real ones are known."""

from __future__ import annotations

from typing import Any

from mocks.faults import Fault
from mocks.rate_limit import RateBudget
from mocks.wire import Response, json_response

INVALID = "invalid_request_error"


def error(
    status: int, message: str, kind: str, code: str | None = None, param: str | None = None
) -> Response:
    """An error in OpenAI's envelope."""
    body = {"message": message, "type": kind, "param": param, "code": code}
    return json_response(status, {"error": body})


def missing_key() -> Response:
    """401 for a request without a key."""
    return error(401, "You didn't provide an API key.", INVALID)


def wrong_key(key: str) -> Response:
    """401 for a key that is not the right one; most of it is masked."""
    shown = f"{key[:3]}{'*' * 8}{key[-4:]}" if len(key) > 8 else "*" * len(key)
    return error(401, f"Incorrect API key provided: {shown}.", INVALID, "invalid_api_key")


def model_not_found(name: str) -> Response:
    """404 for an unknown model."""
    message = f"The model `{name}` does not exist or you do not have access to it."
    return error(404, message, INVALID, "model_not_found")


def unknown_route(method: str, path: str) -> Response:
    """404 for anything else."""
    return error(404, f"Invalid URL ({method} {path})", INVALID)


def invalid_body() -> Response:
    """400 for a body that is not a JSON object in UTF-8."""
    message = "We could not parse the JSON body of your request."
    return error(400, message, INVALID)


def invalid_input(reason: str) -> Response:
    """400 for an `input` that is not of the four forms."""
    reference = "Please check the API reference: https://platform.openai.com/docs/api-reference."
    return error(400, f"'$.input' is invalid. {reference} ({reason})", INVALID)


def invalid_dimensions(model: str, full: int) -> Response:
    """400 for a dimension that the model cannot give."""
    message = f"Invalid value for 'dimensions': {model} has at most {full}."
    return error(400, message, INVALID, param="dimensions")


def dimensions_not_supported() -> Response:
    """400 for an older model."""
    return error(400, "This model does not support specifying dimensions.", INVALID)


def context_length(limit: int, requested: int) -> Response:
    """400 for one input that is too long."""
    message = (
        f"This model's maximum context length is {limit} tokens, however you requested "
        f"{requested} tokens ({requested} in your prompt; 0 for the completion). "
        "Please reduce your prompt; or completion length."
    )
    return error(400, message, INVALID)


def too_many_tokens(limit: int, requested: int) -> Response:
    """400 for a request that is too large as a whole."""
    code = "max_tokens_per_request"
    return error(400, f"Requested {requested} tokens, max {limit} tokens per request", code, code)


def rate_limit(model: str, budget: RateBudget, requested: int, wait: float) -> Response:
    """429 when the minute's budget is spent; the wait stands in the words only."""
    message = (
        f"Rate limit reached for {model} in organization org-mock on tokens per min (TPM): "
        f"Limit {budget.tokens_limit}, Used {budget.tokens_used}, Requested {requested}. "
        f"Please try again in {wait:.3f}s. Visit https://platform.openai.com/account/rate-limits "
        "to learn more."
    )
    return error(429, message, "tokens", "rate_limit_exceeded")


def quota(code: str = "insufficient_quota", message: str | None = None) -> Response:
    """429 when the account has no money left: never to be retried."""
    usual = "You exceeded your current quota, please check your plan and billing details."
    return error(429, message or usual, code, code)


def invalid_choice(name: str, value: object, choices: str) -> Response:
    """400 for a parameter that has another value than it may have."""
    message = f"Invalid value: {value!r}. Supported values are: {choices}."
    return error(400, message, INVALID, "invalid_value", name)


def invalid_type(name: str, wanted: str) -> Response:
    """400 for a parameter of the wrong type."""
    return error(
        400, f"Invalid type for '{name}': expected {wanted}.", INVALID, "invalid_type", name
    )


_STATUS: dict[int, tuple[str, str, str | None]] = {
    401: ("Incorrect API key provided: sk-****.", INVALID, "invalid_api_key"),
    403: ("Country, region, or territory not supported", "request_forbidden", None),
    429: (
        "Rate limit reached for text-embedding-3-small in organization org-mock on tokens per "
        "min (TPM): Limit 1000000, Used 999000, Requested 20000. Please try again in 2.812s.",
        "tokens",
        "rate_limit_exceeded",
    ),
    500: ("The server had an error while processing your request.", "server_error", None),
    503: (
        "The engine is currently overloaded, please try again later",
        "server_error",
        "server_is_overloaded",
    ),
}


def scripted(fault: Fault) -> Response | None:
    """The error that a fault asks for; None when it asks for something else."""
    parameters = fault.parameters
    match fault.kind:
        case "quota":
            return quota(**parameters)
        case "overloaded":
            return _status(503, parameters)
        case "rate_limit":
            return _status(429, parameters)
        case "status":
            return _status(int(parameters.get("status", 500)), parameters)
    return None


def _status(status: int, parameters: dict[str, Any]) -> Response:
    message, kind, code = _STATUS.get(status, ("An error occurred.", "server_error", None))
    response = error(
        status,
        parameters.get("message", message),
        parameters.get("type", kind),
        parameters.get("code", code),
    )
    names = ("retry_after", "retry_after_ms", "location")
    headers = {n.replace("_", "-"): str(parameters[n]) for n in names if n in parameters}
    return response.with_headers(headers)
