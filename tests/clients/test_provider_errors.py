"""How providers' refusals and waits become ours."""

from __future__ import annotations

import time
from email.utils import formatdate

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.llamaparse.errors import parse_error
from clients.network.provider_errors import (
    BadAnswer,
    InputTooLarge,
    Refusal,
    embedding_error,
    retry_after,
)
from pipeline.errors import (
    ConfigurationError,
    EmbeddingError,
    NavigatorError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
    TransientError,
)
from tests.clocks import DAY, moved


@pytest.mark.parametrize(
    ("headers", "message", "wait"),
    [
        ({"retry-after": "2"}, "", 2.0),
        ({"retry-after": "0.5"}, "", 0.5),
        ({"retry-after": "121"}, "", 120.0),
        ({"retry-after": "NaN"}, "", None),
        ({"retry-after": "inf"}, "", None),
        ({"retry-after": "-3"}, "", None),
        ({"retry-after": "soon"}, "", None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", None),
        ({"retry-after": "Wed, 99 Oct 99999 07:28:00 GMT"}, "", None),
        ({"retry-after-ms": "250", "retry-after": "9"}, "", 0.25),
        ({"retry-after-ms": "NaN", "retry-after": "9"}, "", 9.0),
        ({}, "Please try again in 2.812s.", 2.812),
        ({}, "Please try again in 12ms.", 0.012),
        ({}, "Please try again in 1m1.5s. Visit", 61.5),
        ({}, "Please try again in 6m0s.", 120.0),
        ({}, "Please try again in 1h2m", 120.0),
        ({}, "Please try again in a while", None),
        ({}, f"Please try again in {'9' * 5000}h", None),
        ({"retry-after": "NaN"}, "Please try again in 3s", 3.0),
        ({}, "", None),
    ],
)
def test_waits(headers: dict[str, str], message: str, wait: float | None) -> None:
    """A usable wait is read and clamped; nonsense says nothing."""
    assert retry_after(headers, message) == (None if wait is None else pytest.approx(wait))


def test_a_date_to_come_is_a_wait() -> None:
    """An HTTP date in the future is the seconds until then."""
    wait = retry_after({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert wait is not None
    assert 27 <= wait <= 31


@pytest.mark.parametrize("clock", [DAY, -DAY], ids=["ahead", "behind"])
def test_a_date_to_come_is_of_the_providers_clock(clock: float) -> None:
    """The wait is from the answer's own date, whatever our clock says."""
    there = time.time()
    headers = {"date": formatdate(there, usegmt=True),
               "retry-after": formatdate(there + 30, usegmt=True)}  # fmt: skip
    with moved(clock):
        assert retry_after(headers) == 30


def body(message: str = "", **fields: object) -> bytes:
    return orjson.dumps({"error": {"message": message, **fields}})


@pytest.mark.parametrize(
    ("status", "raw", "expected"),
    [
        (400, body("Requested 346134 tokens", code="max_tokens_per_request"), InputTooLarge),
        (400, body("Too many inputs. The max number of inputs is 1."), InputTooLarge),
        (400, body("'$.input' is invalid ... array length must be 2048 or less"), InputTooLarge),
        (422, body("batch size 64 > maximum allowed batch size 32"), InputTooLarge),
        (413, b"<html>", InputTooLarge),
        (400, body("This model's maximum context length is 8192 tokens"), EmbeddingError),
        (400, body("'$.input' is invalid."), EmbeddingError),
        (400, body("has at most 1536", param="dimensions"), ConfigurationError),
        (401, body(code="invalid_api_key"), ConfigurationError),
        (403, body(), ConfigurationError),
        (404, body(code="model_not_found"), ConfigurationError),
        (404, b"404 page not found", ConfigurationError),
        (405, b"", ConfigurationError),
        (307, b"", ConfigurationError),
        (402, body(), QuotaExhausted),
        (429, body(code="insufficient_quota"), QuotaExhausted),
        (429, body(type="insufficient_quota", code=None), QuotaExhausted),
        (429, body(code="credit_balance_exhausted"), QuotaExhausted),
        (429, body(code="project_spend_limit_exceeded"), QuotaExhausted),
        (429, body("Request too large for m on tokens per min (TPM)"), InputTooLarge),
        (429, body(code="rate_limit_exceeded"), RateLimited),
        (429, b"slow down", RateLimited),
        (429, body(type={"a": 1}, code=["b"]), RateLimited),
        (402, body(type={"a": 1}), QuotaExhausted),
        (408, b"", ServiceUnavailable),
        (409, b"", ServiceUnavailable),
        (500, b'{"error": "a string"}', ServiceUnavailable),
        (503, b"[1, 2", ServiceUnavailable),
        (529, b"[]", ServiceUnavailable),
    ],
)
def test_refusals(status: int, raw: bytes, expected: type[NavigatorError]) -> None:
    """Every refusal becomes exactly one of our errors."""
    error = embedding_error(Refusal("OpenAI", status, body=raw, inputs=2))
    assert type(error) is expected
    assert str(status) in error.message
    assert error.remedy or isinstance(error, TransientError)


def test_one_text_is_never_too_many() -> None:
    """A batch of one cannot be halved, so the text itself is refused."""
    raw = body("Too many inputs")
    assert type(embedding_error(Refusal("OpenAI", 400, body=raw, inputs=1))) is EmbeddingError


def test_nothing_of_the_providers_words_is_repeated() -> None:
    """Neither a key in the message nor a code that is no code reaches our message."""
    raw = body("Incorrect API key provided: sk-canary", code="sk canary\n", type="x y")
    error = embedding_error(Refusal("OpenAI", 401, body=raw))
    assert "canary" not in error.message + error.remedy + error.code


def test_a_bad_answer_is_tried_again() -> None:
    """A service that answers nonsense has misbehaved: the same text may succeed."""
    assert issubclass(BadAnswer, TransientError)
    assert issubclass(InputTooLarge, EmbeddingError)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "code", "type", "param"]), inner)
    ),
    max_leaves=8,
)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_header_can_break_the_wait(milliseconds: str, seconds: str, message: str) -> None:
    """Whatever a server sends, the wait is None or a number of seconds within the bounds."""
    headers = {"retry-after-ms": milliseconds, "retry-after": seconds}
    wait = retry_after(headers, f"Please try again in {message}")
    assert wait is None or 0 <= wait <= 120


@given(st.integers(300, 599), st.binary(max_size=40) | JSON.map(orjson.dumps))
@settings(max_examples=300, deadline=None)
def test_no_body_can_break_the_mapping(status: int, raw: bytes) -> None:
    """Whatever a refusal's body holds, it becomes one of our errors."""
    for map_error in (embedding_error, parse_error):
        assert isinstance(map_error(Refusal("Service", status, {}, raw, 2)), NavigatorError)
