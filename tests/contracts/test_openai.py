"""OpenAI's embeddings through the official SDK: every row of the contract.

What takes `client` also runs against the real service when there is a key; what takes `faulty`
needs a scripted fault or a setting, so it runs against the mock server only.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import numpy as np
import openai
import pytest
from openai import OpenAI

from mocks import OpenAIMock

pytestmark = pytest.mark.no_ledger("the vendor's client asks, not ours")

SMALL = "text-embedding-3-small"


def embed(client: OpenAI, inputs: Any, **options: Any) -> openai.types.CreateEmbeddingResponse:
    """Also with what the SDK's types refuse: what the server says to it is the question."""
    return client.embeddings.create(model=SMALL, input=inputs, **options)


def vectors(answer: openai.types.CreateEmbeddingResponse) -> np.ndarray:
    return np.array([item.embedding for item in answer.data])


def test_base64_and_float_give_the_same_vectors(client: OpenAI) -> None:
    """The SDK's default base64 answer decodes to what the float answer says."""
    packed = embed(client, ["a deductible of $500", "co-insurance"])
    plain = embed(client, ["a deductible of $500", "co-insurance"], encoding_format="float")
    np.testing.assert_allclose(vectors(packed), vectors(plain), atol=1e-3)
    assert vectors(packed).shape == (2, 1536)


def test_vectors_are_unit_and_deterministic(client: OpenAI) -> None:
    """The same text has the same unit vector every time."""
    first, again = vectors(embed(client, "out-of-pocket")), vectors(embed(client, "out-of-pocket"))
    np.testing.assert_allclose(first, again, atol=1e-3)
    assert math.isclose(float(np.linalg.norm(first)), 1.0, abs_tol=1e-6)


def test_texts_that_share_words_are_closer(client: OpenAI) -> None:
    """Search over the vectors finds the passage that speaks of the question's words."""
    question, right, wrong = vectors(
        embed(
            client,
            [
                "What is the annual deductible for hospital stays?",
                "The annual deductible is $500; hospital stays are covered at 80 percent.",
                "Eyeglass frames may be replaced every second calendar year.",
            ],
        )
    )
    assert question @ right > question @ wrong + 0.2


@pytest.mark.parametrize(
    "inputs", ["hello world", ["hello world"], [15339, 1917], [[15339, 1917]]], ids=str
)
def test_every_input_form_means_the_same(client: OpenAI, inputs: object) -> None:
    """A string, strings, a token array and token arrays give one vector and two tokens."""
    answer = embed(client, inputs)
    np.testing.assert_allclose(vectors(answer), vectors(embed(client, "hello world")), atol=1e-3)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 2
    assert [item.index for item in answer.data] == [0]


def test_dimensions_are_obeyed(client: OpenAI) -> None:
    """A version-3 model gives shorter unit vectors when asked; the large one has 3072."""
    short = vectors(embed(client, "premium", dimensions=256))
    assert short.shape == (1, 256)
    assert math.isclose(float(np.linalg.norm(short)), 1.0, abs_tol=1e-6)
    large = client.embeddings.create(model="text-embedding-3-large", input="premium")
    assert len(large.data[0].embedding) == 3072


def test_a_wrong_dimension_is_refused(client: OpenAI) -> None:
    """More dimensions than the model has are a 400."""
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        embed(client, "premium", dimensions=4000)


def test_too_many_tokens_in_a_request(client: OpenAI) -> None:
    """Above 300,000 tokens the request is refused with a code of its own."""
    with pytest.raises(openai.BadRequestError) as caught:
        embed(client, [" a" * 8000] * 38)
    assert caught.value.code == "max_tokens_per_request"
    assert "max 300000 tokens per request" in caught.value.message


def test_too_long_an_input(client: OpenAI) -> None:
    """Above 8,192 tokens an input is refused and the message says how long it was."""
    with pytest.raises(openai.BadRequestError, match="maximum context length is 8192 tokens"):
        embed(client, " a" * 8610)
    assert embed(client, " a" * 8192).usage.total_tokens == 8192


@pytest.mark.parametrize("inputs", ["", [], ["ok", ""], ["x"] * 2049, [[999_999]], [[]]])
def test_invalid_inputs(client: OpenAI, inputs: object) -> None:
    """Empty inputs, more than 2,048, and unknown tokens are refused."""
    with pytest.raises(openai.BadRequestError, match=re.escape("'$.input' is invalid")):
        embed(client, inputs)


def test_the_key_is_needed_and_checked() -> None:
    """A wrong key is a 401 that never repeats the key."""
    with (
        OpenAIMock(api_key="sk-right") as mock,
        OpenAI(api_key="sk-wrong-key-1234", base_url=mock.base_url, max_retries=0) as client,
    ):
        with pytest.raises(openai.AuthenticationError) as caught:
            embed(client, "x")
        assert caught.value.code == "invalid_api_key"
        assert "wrong-key" not in caught.value.message
        client.api_key = "sk-right"
        assert embed(client, "x").data


def test_a_request_without_a_key_is_refused(openai_mock: OpenAIMock) -> None:
    """No Authorization header at all is a 401 too."""
    answer = httpx2.post(f"{openai_mock.base_url}/embeddings", json={"model": SMALL, "input": "x"})
    assert answer.status_code == 401


def test_models(client: OpenAI) -> None:
    """The models are listed and found by name; an unknown one is a 404."""
    assert SMALL in [model.id for model in client.models.list()]
    assert client.models.retrieve(SMALL).id == SMALL
    with pytest.raises(openai.NotFoundError) as caught:
        client.embeddings.create(model="text-embedding-9", input="x")
    assert caught.value.code == "model_not_found"


def test_without_a_version_in_the_path(openai_mock: OpenAIMock) -> None:
    """A base URL without /v1 works as well."""
    url = openai_mock.base_url.removesuffix("/v1")
    with OpenAI(api_key="sk-test", base_url=url, max_retries=0) as client:
        assert embed(client, "x").data


def test_headers(client: OpenAI) -> None:
    """A request id, the work's milliseconds and the rate limits come with every answer."""
    headers = client.embeddings.with_raw_response.create(model=SMALL, input="x").headers
    assert headers["x-request-id"].startswith("req_")
    assert headers["openai-processing-ms"].isdigit()
    for name in ("requests", "tokens"):
        assert int(headers[f"x-ratelimit-limit-{name}"]) >= 1
        assert int(headers[f"x-ratelimit-remaining-{name}"]) >= 0
        assert re.fullmatch(r"(\d+m)?\d+(s|ms)", headers[f"x-ratelimit-reset-{name}"])


def test_a_minute_budget_is_enforced() -> None:
    """Past the tokens of a minute, a 429 says in words how long to wait."""
    with (
        OpenAIMock(tokens_per_minute=600) as mock,
        OpenAI(api_key="sk-test", base_url=mock.base_url, max_retries=0) as client,
    ):
        embed(client, " a" * 590)
        with pytest.raises(openai.RateLimitError) as caught:
            embed(client, " a" * 60)
    assert caught.value.code == "rate_limit_exceeded"
    assert re.search(r"Please try again in \d+\.\d{3}s", caught.value.message)
    assert "retry-after" not in caught.value.response.headers


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("rate_limit", 429, "rate_limit_exceeded"),
        ("quota", 429, "insufficient_quota"),
        ("overloaded", 503, "server_is_overloaded"),
        ({"kind": "status", "status": 500}, 500, None),
        ({"kind": "status", "status": 401}, 401, "invalid_api_key"),
        (
            {"kind": "status", "status": 429, "code": "credit_balance_exhausted"},
            429,
            "credit_balance_exhausted",
        ),
    ],
    ids=str,
)
def test_scripted_errors(
    openai_mock: OpenAIMock, faulty: OpenAI, fault: object, status: int, code: str | None
) -> None:
    """Each scripted status comes in OpenAI's envelope with its code."""
    openai_mock.faults({"fault": fault})
    with pytest.raises(openai.APIStatusError) as caught:
        embed(faulty, "x")
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert openai_mock.stats()["billed_tokens"] == 0


def test_counters(openai_mock: OpenAIMock, faulty: OpenAI) -> None:
    """Tokens are billed each time and unique once; a repeated input is counted as such."""
    embed(faulty, ["hello world", "hello"])
    embed(faulty, "hello world")
    stats = openai_mock.stats()
    assert (stats["requests"], stats["inputs"], stats["unique_inputs"]) == (2, 3, 2)
    assert (stats["billed_tokens"], stats["unique_tokens"]) == (5, 3)
    assert (stats["repeated_inputs"], stats["max_sends"]) == (1, 2)
    openai_mock.reset()
    assert openai_mock.stats()["requests"] == 0


def test_the_sdk_asks_for_base64_by_default(openai_mock: OpenAIMock, faulty: OpenAI) -> None:
    """Without a format the SDK asks for base64, which is little-endian float32."""
    seen: list[bytes] = []

    def keep(request: httpx2.Request) -> None:
        seen.append(request.read())

    with httpx2.Client(event_hooks={"request": [keep]}) as http:
        own = faulty.with_options(http_client=http)
        decoded = vectors(embed(own, "premium"))[0]
        asked = json.loads(seen[0])
        raw = http.post(
            f"{openai_mock.base_url}/embeddings",
            json=asked,
            headers={"authorization": "Bearer sk-test"},
        ).json()
    assert asked["encoding_format"] == "base64"
    packed = base64.b64decode(raw["data"][0]["embedding"])
    np.testing.assert_array_equal(np.frombuffer(packed, dtype="<f4"), decoded.astype(np.float32))


def test_the_shape_of_an_answer(client: OpenAI) -> None:
    """List, model and usage stand around the vectors."""
    answer = embed(client, ["one", "two"], user="contract")
    assert (answer.object, answer.model) == ("list", SMALL)
    assert [(item.object, item.index) for item in answer.data] == [
        ("embedding", 0),
        ("embedding", 1),
    ]
    assert answer.usage.to_dict() == {"prompt_tokens": 2, "total_tokens": 2}


@pytest.mark.parametrize(
    ("options", "param"), [({"encoding_format": "hex"}, "encoding_format"), ({"user": 7}, "user")]
)
def test_wrong_parameters(faulty: OpenAI, options: dict[str, object], param: str) -> None:
    """A parameter with another value than it may have is a 400 that names it."""
    with pytest.raises(openai.BadRequestError) as caught:
        embed(faulty, "x", **options)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "code",
    ["insufficient_quota", "credit_balance_exhausted", "project_spend_limit_exceeded"],
)
def test_the_sdk_itself_retries_a_spent_quota(
    openai_mock: OpenAIMock, faulty: OpenAI, code: str
) -> None:
    """With the SDK's own two retries a spent quota is asked three times: so ours are set to 0."""
    openai_mock.faults({"fault": {"kind": "quota", "code": code}})
    with pytest.raises(openai.RateLimitError) as caught:
        embed(faulty.with_options(max_retries=2), "x")
    assert caught.value.code == code
    assert openai_mock.stats()["requests"] == 3
    with pytest.raises(openai.RateLimitError):
        embed(faulty, "x")
    assert openai_mock.stats()["requests"] == 4


PAST = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    "hints",
    [
        {"retry_after": "2"},
        {"retry_after": "121"},
        {"retry_after": PAST},
        {"retry_after": "NaN"},
        {"retry_after_ms": "1500"},
        {"retry_after": "2", "retry_after_ms": "1500"},
        {},
    ],
    ids=str,
)
def test_every_hint_when_to_come_again(
    openai_mock: OpenAIMock, faulty: OpenAI, hints: dict[str, str]
) -> None:
    """Seconds, milliseconds, a date that has passed, nonsense or nothing: sent as scripted."""
    openai_mock.faults({"fault": {"kind": "rate_limit", **hints}})
    with pytest.raises(openai.RateLimitError) as caught:
        embed(faulty, "x")
    headers = caught.value.response.headers
    assert {name: headers.get(name.replace("_", "-")) for name in hints} == hints
    assert ("retry-after" in headers) == ("retry_after" in hints)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("wrong_count", lambda found: found.shape == (1, 1536)),
        ("wrong_dimension", lambda found: found.shape == (2, 1535)),
        ("nan", lambda found: bool(np.isnan(found[-1, 0]))),
        ("zero_vector", lambda found: not found[-1].any() and bool(found[0].any())),
    ],
)
def test_spoiled_vectors(
    openai_mock: OpenAIMock, faulty: OpenAI, kind: str, wrong: Callable[[np.ndarray], bool]
) -> None:
    """A missing vector, a short one, a NaN, a zero vector: the SDK hands each on unseen."""
    openai_mock.faults(kind)
    assert wrong(vectors(embed(faulty, ["one", "two"])))


def test_another_order(openai_mock: OpenAIMock, faulty: OpenAI) -> None:
    """The data may come in another order; their index tells whose they are."""
    right = vectors(embed(faulty, ["one", "two"]))
    openai_mock.faults("wrong_order")
    answer = embed(faulty, ["one", "two"])
    assert [item.index for item in answer.data] == [1, 0]
    np.testing.assert_array_equal(vectors(answer)[::-1], right)


def test_a_lone_surrogate_never_leaves_the_sdk(openai_mock: OpenAIMock, faulty: OpenAI) -> None:
    """Such a text raises a bare UnicodeEncodeError before anything is sent."""
    with pytest.raises(UnicodeEncodeError):
        embed(faulty, "broken \ud800")
    assert openai_mock.stats()["requests"] == 0


def test_the_sdk_speaks_through_httpx2(faulty: OpenAI) -> None:
    """So that patching httpx intercepts nothing: tests go over real sockets."""
    assert isinstance(faulty._client, httpx2.Client)
    assert not isinstance(faulty._client, httpx.Client)
