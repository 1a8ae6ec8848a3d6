"""Verifying a webhook: who signed it, when, and what it says, without any I/O."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocks.webhooks import Event, signature
from pipeline import webhooks
from pipeline.webhooks import (
    WebhookEvent,
    WebhookForged,
    WebhookMalformed,
    WebhookRefused,
    WebhookStale,
)

SECRET, OLD_SECRET = "whsec-the-present-one", "whsec-the-one-before"
NOW = 1_753_985_275.11
EVENT_ID = "7d3c1f0e-0000-4000-8000-000000000001"
EVENT = Event("parse.success", "pjb-1", EVENT_ID, NOW)


def verified(
    body: bytes, signed: str | None = None, *, secrets: tuple[str, ...] = (SECRET,)
) -> WebhookEvent:
    """What comes of a body; signed rightly unless a signature is given."""
    given = signature(SECRET, body) if signed is None else signed
    return webhooks.verify(body, given, secrets, now=NOW, age_seconds=300)


@pytest.mark.parametrize("output_format", ["string", "json"])
def test_both_encodings_are_the_same_event(output_format: str) -> None:
    """JSON, and JSON encoded once more as a JSON string."""
    event = verified(EVENT.body(output_format))
    assert event == WebhookEvent(UUID(EVENT_ID), "parse.success", NOW, "pjb-1")
    assert event.is_end


def test_the_secret_before_is_still_taken() -> None:
    """While one secret follows another, both sign; an unknown one never does."""
    body = EVENT.body("json")
    for secret in (SECRET, OLD_SECRET):
        assert verified(body, signature(secret, body), secrets=(SECRET, OLD_SECRET))
    with pytest.raises(WebhookForged):
        verified(body, signature(OLD_SECRET, body))


@pytest.mark.parametrize(
    "wrong",
    ["", "sha256=", "sha256=" + "0" * 64, signature("another", EVENT.body("json")),
     signature(SECRET, EVENT.body("json")).removeprefix("sha256="),
     signature(SECRET, EVENT.body("string")), "sha256=é", "\ud800"],
    ids=["none", "empty", "zeros", "another", "no-scheme", "other-body", "letters", "broken"],
)  # fmt: skip
def test_a_wrong_signature_is_refused(wrong: str) -> None:
    """Unsigned, of another secret, of another body, or not a signature at all."""
    with pytest.raises(WebhookForged):
        verified(EVENT.body("json"), wrong)


@given(st.integers(0, len(EVENT.body("json")) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, change: int) -> None:
    """The signature is of the raw body, every byte of it."""
    body = bytearray(EVENT.body("json"))
    body[place] ^= change
    with pytest.raises(WebhookForged):
        verified(bytes(body), signature(SECRET, EVENT.body("json")))


@pytest.mark.parametrize(("age", "taken"), [(299, True), (-299, True), (301, False), (-301, False)])
def test_the_signed_time_counts(age: float, taken: bool) -> None:
    """An event far from our clock is refused, whether it is old or from the future."""
    body = EVENT.aged(age).body("json")
    if taken:
        assert verified(body).event_id == UUID(EVENT_ID)
    else:
        with pytest.raises(WebhookStale):
            verified(body)


@pytest.mark.parametrize(
    "change",
    [{"event_id": None}, {"event_id": "7"}, {"event_id": 7}, {"event_type": ""},
     {"event_type": "a\nb"}, {"event_type": "x" * 300}, {"timestamp": "now"}, {"timestamp": True},
     {"timestamp": float("nan")}, {"timestamp": float("inf")}, {"timestamp": 10**400},
     {"data": None}, {"data": []}, {"data": {}}, {"data": {"job_id": 5}},
     {"data": {"job_id": "a\x00b"}}],
    ids=str,
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_malformed(change: dict[str, object]) -> None:
    """A missing or senseless field; none of them is an error of ours."""
    body = json.dumps(json.loads(EVENT.body("json")) | change).encode()
    with pytest.raises(WebhookMalformed):
        verified(body)


@pytest.mark.parametrize(
    "body",
    [b"", b"nothing", b"null", b"[]", b'"\\"twice\\""', b"\xff", b"[" * 60_000, b"1" * 60_000],
    ids=["empty", "words", "null", "list", "string", "bytes", "deep", "long-number"],
)
def test_a_signed_body_that_is_no_object_is_malformed(body: bytes) -> None:
    """Not JSON, not an object, or too deep to read."""
    with pytest.raises(WebhookMalformed):
        verified(body)


@given(st.binary(max_size=200), st.text(max_size=80))
def test_whatever_comes_is_refused_in_words(body: bytes, signed: str) -> None:
    """No body and no signature is an error that nobody foresaw."""
    with pytest.raises(WebhookRefused):
        webhooks.verify(body, signed, (SECRET,), now=NOW, age_seconds=300)


def test_a_job_asks_for_its_end_only() -> None:
    """The address, the ends of a job, and the secret that signs; slashes do not add up."""
    asked = webhooks.configuration("https://api.example/", SECRET)
    assert asked["webhook_url"] == "https://api.example/api/v1/webhooks/llamaparse"
    assert set(asked["webhook_events"]) == {
        "parse.success", "parse.error", "parse.partial_success", "parse.cancelled",
    }  # fmt: skip
    assert asked["webhook_signing_secret"] == SECRET
