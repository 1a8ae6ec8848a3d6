"""Maps outside services' errors to ours: one place, pure, no client library.

A provider's own message never goes into ours: it can quote keys and document text. What we say is
the service, the HTTP status and the error code, when that looks like one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from pipeline.errors import (
    ConfigurationError,
    EmbeddingError,
    NavigatorError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
)
from pipeline.http_dates import http_date, time_there

LONGEST_WAIT = 120.0
"""Seconds; a provider that asks for more is asked again after these."""

QUOTA_CODES = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"}
)
QUOTA_SUFFIX = "_spend_limit_exceeded"

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{1,59}")
_TRY_AGAIN = re.compile(
    r"try again in\s++(?:(\d{1,6})h\s*+)?(?:(\d{1,6})m(?!s)\s*+)?"
    r"(?:(\d{1,9}(?:\.\d{1,9})?)\s*+(ms|s))?",
    re.IGNORECASE,
)
_WANTS_TLS = re.compile(
    rb"HTTP request(?: was sent)? to (?:an )?HTTPS (?:port|server)", re.IGNORECASE
)
_TOO_MANY = re.compile(
    r"too many inputs|array length|array too long|batch size|too large", re.IGNORECASE
)


class BadAnswer(ServiceUnavailable):
    """The service answered something that cannot be used: cut off, miscounted, not finite."""

    code = "bad_answer"


class WronglySetUp(ConfigurationError):
    """The service's answers show that it is not what the settings say."""


def is_paid(error: NavigatorError) -> bool:
    """Whether a request that ended with this error was answered all the same, and so is billed."""
    return isinstance(error, BadAnswer | WronglySetUp)


class InputTooLarge(EmbeddingError):
    """One request is too large for the provider: halve it and send the halves."""

    code = "input_too_large"
    remedy = "Lower the batch size or the chunk size, then run it again."


@dataclass(frozen=True)
class Refusal:
    """An answer that is not a success, whatever library received it.

    Attributes:
        service: how we name it to a person.
        headers: names in lower case.
        inputs: texts in the request, 0 when it was not about texts.
    """

    service: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    inputs: int = 0

    @property
    def details(self) -> Mapping[str, object]:
        """The `error` object of the body, or the body itself, or nothing."""
        try:
            value = orjson.loads(self.body)
        except ValueError:
            return {}
        inner = value.get("error", value) if isinstance(value, dict) else {}
        return inner if isinstance(inner, dict) else {"message": inner}

    @property
    def code(self) -> str:
        """The provider's code (or type) when it looks like one, else an empty string."""
        for name in ("code", "type"):
            value = self.details.get(name)
            if isinstance(value, str) and _CODE.fullmatch(value):
                return value
        return ""

    @property
    def message(self) -> str:
        """What the provider says; to be searched, never to be repeated."""
        value = self.details.get("message") or self.details.get("detail")
        return value if isinstance(value, str) else ""

    @property
    def wants_tls(self) -> bool:
        """Whether a TLS port was asked in plain HTTP."""
        return self.status == 400 and _WANTS_TLS.search(self.body[:2000]) is not None

    def says(self, what: str) -> str:
        """A sentence of ours: the service, what it did, the status and the code."""
        code = f", {self.code}" if self.code else ""
        return f"{self.service} {what} (HTTP {self.status}{code})."


def embedding_error(refusal: Refusal) -> NavigatorError:
    """What an OpenAI-compatible embeddings service means by a refusal."""
    status = refusal.status
    if refusal.wants_tls:
        return _misconfigured(refusal)
    if status == 429 or status == 402:
        return _too_many_requests(refusal)
    if status in (408, 409, 425) or status >= 500:
        return ServiceUnavailable(refusal.says("could not answer"))
    if status in (400, 413, 422):
        return _refused_input(refusal)
    return _misconfigured(refusal)


def _too_many_requests(refusal: Refusal) -> NavigatorError:
    kinds = (refusal.code, refusal.details.get("type"))
    if refusal.status == 402 or any(
        isinstance(kind, str) and (kind in QUOTA_CODES or kind.endswith(QUOTA_SUFFIX))
        for kind in kinds
    ):
        return QuotaExhausted(refusal.says("has no credit left for this account"))
    if refusal.message.startswith("Request too large"):
        return InputTooLarge(refusal.says("takes fewer tokens a minute than this request has"))
    wait = retry_after(refusal.headers, refusal.message)
    return RateLimited(refusal.says("asks us to slow down"), retry_after=wait)


def _refused_input(refusal: Refusal) -> NavigatorError:
    message = refusal.message
    many = refusal.inputs > 1
    if refusal.status == 413 or refusal.code == "max_tokens_per_request":
        return InputTooLarge(refusal.says("refused the request as too large"))
    if many and (_TOO_MANY.search(message) or refusal.code == "array_above_max_length"):
        return InputTooLarge(refusal.says("refused the number of texts"))
    if "dimensions" in (refusal.details.get("param"), *message.split()):
        return ConfigurationError(
            refusal.says("refused the dimension"),
            remedy="Set NAVIGATOR_EMBEDDING_DIMENSION to one that the model can give.",
        )
    if "context length" in message:
        return EmbeddingError(
            refusal.says("refused a text as too long"),
            code="input_too_long",
            remedy="Lower the chunk size below the model's limit, then ingest again.",
        )
    return EmbeddingError(
        refusal.says("refused the text"), remedy="Look at the chunk's text, then retry it."
    )


_REMEDIES: dict[int, tuple[str, str]] = {
    401: ("refused the key", "Set a key that this service knows, then run it again."),
    403: ("forbids this to the key", "Give the key the right to use this model, or set another."),
    404: ("knows no such model or address", "Check the model's name and the base URL."),
}


def _misconfigured(refusal: Refusal) -> ConfigurationError:
    if refusal.wants_tls:
        what, remedy = "speaks TLS at that address", "Begin the base URL with https://."
    elif 300 <= refusal.status < 400:
        what, remedy = "redirects, which is not followed", "Set the final address as the base URL."
    else:
        default = "refused the request", "Check the base URL and the model's name."
        what, remedy = _REMEDIES.get(refusal.status, default)
    return ConfigurationError(refusal.says(what), remedy=remedy)


def retry_after(headers: Mapping[str, str], message: str = "") -> float | None:
    """The seconds that a provider asks us to wait, from 0 to `LONGEST_WAIT`.

    Reads `retry-after-ms`, `retry-after` (seconds or a date) and "try again in 6m0.5s", in this
    order. What is not a number, not finite, negative or in the past says nothing.

    Returns:
        None when the provider said nothing of use: the caller's own backoff counts then.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    candidates = (
        None if milliseconds is None else milliseconds / 1000,
        _number(headers.get("retry-after", "")),
        _until(headers),
        _in_words(message),
    )
    waits = [wait for wait in candidates if wait is not None]
    return min(waits[0], LONGEST_WAIT) if waits else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(headers: Mapping[str, str]) -> float | None:
    until = http_date(headers.get("retry-after", ""))
    if until is None:
        return None
    # The date is of the provider's clock, and so is the one that it is compared with.
    wait = (until - time_there(headers)).total_seconds()
    return wait if wait > 0 else None


def _in_words(message: str) -> float | None:
    match = _TRY_AGAIN.search(message)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, amount, unit = match.groups()
    seconds = float(amount or 0) / (1000 if unit and unit.lower() == "ms" else 1)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds
