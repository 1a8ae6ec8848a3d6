"""Verifies LlamaParse's webhooks without any I/O: signature, time, content.

An event is a hint: it wakes whoever waits for its job and is never believed further. The service
sends no nonce, so what is signed is checked: the whole body, the time in it, the event's id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pipeline.errors import UsageError

PATH = "/api/v1/webhooks/llamaparse"
SIGNATURE_HEADER = "LC-Signature"
MAX_BYTES = 64 * 1024
"""Of a body; real ones have some 300 bytes."""

ENDS = ("parse.success", "parse.error", "parse.partial_success", "parse.cancelled")
"""What is subscribed to: the ends of a job."""

_SCHEME = "sha256="
_MAX_NAME = 200


class WebhookRefused(UsageError):
    """An event that is not taken. Says nothing of what we know."""

    code = "webhook_refused"


class WebhookForged(WebhookRefused):
    """Not signed, or not with a secret of ours, or changed after signing."""

    code = "webhook_forged"
    remedy = "Sign the raw body with the secret that the job was submitted with."


class WebhookStale(WebhookRefused):
    """Its signed time is too far from ours: an old event sent again, or a wrong clock."""

    code = "webhook_stale"
    remedy = "Check the clocks; NAVIGATOR_WEBHOOK_AGE_SECONDS says how far apart they may be."


class WebhookMalformed(WebhookRefused):
    """Signed, and yet not an event."""

    code = "webhook_malformed"
    remedy = "Send the event as LlamaCloud does, as JSON or as JSON in a JSON string."


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What was signed.

    Attributes:
        timestamp: seconds since the epoch.
        remote_job_id: the service's job; there may be none of ours.
    """

    event_id: UUID
    event_type: str
    timestamp: float
    remote_job_id: str

    @property
    def is_end(self) -> bool:
        """Whether it tells that the job has ended, somehow."""
        return self.event_type in ENDS


def configuration(url: str, secret: str) -> dict[str, Any]:
    """What a job is submitted with to be told of at `url` (the API's address, without a path)."""
    return {
        "webhook_url": url.rstrip("/") + PATH,
        "webhook_events": list(ENDS),
        "webhook_output_format": "json",
        "webhook_signing_secret": secret,
    }


def sign(secret: str, body: bytes) -> str:
    """The signature that a body has under a secret."""
    return _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(
    body: bytes, signature: str | None, secrets: Sequence[str], *, now: float, age_seconds: float
) -> WebhookEvent:
    """The event in a raw body.

    Args:
        signature: the header's value, if any.
        secrets: any of them may have signed it, so that one can follow another.
        now: seconds since the epoch.

    Raises:
        WebhookForged, WebhookMalformed, WebhookStale: in this order.
    """
    _require_signature(body, signature or "", secrets)
    event = _event(_decoded(body))
    if abs(now - event.timestamp) > age_seconds:
        raise WebhookStale("The webhook's time is too far from ours.")
    return event


def _require_signature(body: bytes, signature: str, secrets: Sequence[str]) -> None:
    given = signature.strip().lower().encode("utf-8", "replace")
    # Each secret is tried, whichever fits, so that the time tells nothing.
    fits = [hmac.compare_digest(given, sign(secret, body).encode()) for secret in secrets]
    if not any(fits):
        raise WebhookForged("The webhook's signature is missing or wrong.")


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
        if isinstance(value, str):  # encoded twice, as the service does by default
            value = json.loads(value)
    except (ValueError, RecursionError):
        raise WebhookMalformed("The webhook's body is not JSON.") from None
    if not isinstance(value, dict):
        raise WebhookMalformed("The webhook's body is not an object.")
    return value


def _event(value: dict[str, Any]) -> WebhookEvent:
    data = value.get("data")
    job = (data.get("job_id") or data.get("id")) if isinstance(data, dict) else None
    try:
        event_id = UUID(_name(value.get("event_id")))
        return WebhookEvent(
            event_id, _name(value.get("event_type")), _seconds(value.get("timestamp")), _name(job)
        )
    except (ValueError, OverflowError):
        raise WebhookMalformed("The webhook lacks an event's id, type, time or job.") from None


def _name(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= _MAX_NAME and value.isprintable():
        return value
    raise ValueError


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise ValueError
