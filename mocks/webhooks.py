"""Webhooks as LlamaCloud sends them: who hears of what, the event's body, its signature."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, field, replace
from typing import Any, Self
from uuid import uuid4

import orjson

from mocks.llamaparse_errors import BadField
from mocks.loopback import NotAllowed, require_allowed

USER_AGENT = "llamaindex-webhook-service/1.0"
FORMATS = ("string", "json")


@dataclass(frozen=True, slots=True)
class Webhook:
    """One receiver.

    Attributes:
        events: those it hears of; None is all.
        output_format: `string` has the JSON encoded once more as a JSON string.
    """

    url: str
    events: tuple[str, ...] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    output_format: str = "string"
    secret: str | None = None

    def hears(self, event_type: str) -> bool:
        """Whether it subscribed to this kind of event."""
        return self.events is None or event_type in self.events


def read_webhooks(given: Any, hosts: str) -> tuple[Webhook, ...]:
    """The receivers of a job; see `require_allowed` for hosts.

    Raises:
        BadField: a field is not as it must be, or the address is not allowed.
    """
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise BadField("webhook_configurations", "Input should be a list of objects", None)
    return tuple(read_webhook(each, hosts) for each in given)


def read_webhook(given: dict[str, Any], hosts: str) -> Webhook:
    """One receiver, as `read_webhooks` says."""
    url = given.get("webhook_url")
    try:
        require_allowed(str(url or ""), hosts)
    except NotAllowed as reason:
        raise BadField("webhook_url", str(reason), url) from None
    events = given.get("webhook_events")
    if events is not None and (not isinstance(events, list) or not events):
        raise BadField("webhook_events", "Input should be a list that is not empty", events)
    headers = given.get("webhook_headers") or {}
    if not isinstance(headers, dict) or not all(_header(*item) for item in headers.items()):
        raise BadField("webhook_headers", "Input should be HTTP headers", None)
    output_format = given.get("webhook_output_format") or FORMATS[0]
    if output_format not in FORMATS:
        raise BadField("webhook_output_format", "Input should be string or json", output_format)
    return Webhook(
        str(url),
        None if events is None else tuple(map(str, events)),
        {name: str(value) for name, value in headers.items()},
        output_format,
        given.get("webhook_signing_secret") or None,
    )


def _header(name: str, value: object) -> bool:
    return name.isascii() and str(value).isprintable() and str(value).isascii()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job; the same event has the same id however often it comes."""

    event_type: str
    job_id: str
    event_id: str = field(default_factory=lambda: str(uuid4()))
    timestamp: float = field(default_factory=time.time)

    def aged(self, seconds: float) -> Self:
        """The same event, older."""
        return replace(self, timestamp=self.timestamp - seconds)

    def body(self, output_format: str) -> bytes:
        """The JSON; encoded twice for `string`."""
        value = {
            "event_id": self.event_id,
            "event_type": self.event_type,
            "timestamp": self.timestamp,
            "data": {"id": self.job_id, "job_id": self.job_id},
        }
        body = orjson.dumps(value)
        return body if output_format == "json" else orjson.dumps(body.decode())

    def headers(self, webhook: Webhook) -> dict[str, str]:
        """All headers but the signature."""
        return {
            **webhook.headers,
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "X-Webhook-Event-ID": self.event_id,
            "X-Webhook-Event-Type": self.event_type,
        }


def signature(secret: str, body: bytes) -> str:
    """The value of `LC-Signature`: HMAC-SHA256 over the raw body."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
