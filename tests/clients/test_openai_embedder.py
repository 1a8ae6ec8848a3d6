"""The OpenAI embedder against every way in which its service can misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import traceback
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from pydantic import SecretStr

from clients.embedder import Embedder, EmbeddingSpace, WrongDimension
from clients.network.provider_errors import BadAnswer, InputTooLarge
from clients.openai.embedder import OpenAIEmbedder
from mocks import OpenAIMock
from pipeline.errors import (
    ConfigurationError,
    EmbeddingError,
    NavigatorError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
)
from pipeline.identity import space_id

pytestmark = pytest.mark.no_ledger("the embedder is asked by itself, without a pipeline")

KEY = SecretStr("sk-canary-key-0123456789")
CANARY = "canary-text-of-a-document"


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIMock]:
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture
def mock(running: OpenAIMock) -> OpenAIMock:
    running.reset()
    return running


@pytest.fixture
async def embedder(mock: OpenAIMock) -> AsyncIterator[OpenAIEmbedder]:
    embedder = OpenAIEmbedder(KEY, base_url=mock.base_url, timeout=10)
    yield embedder
    await embedder.close()


async def test_vectors_are_unit_in_order_and_counted(
    mock: OpenAIMock, embedder: OpenAIEmbedder
) -> None:
    """Vectors come float32, of unit norm, in the order of the texts, with the billed tokens."""
    answer = await embedder.embed(["hello world", "annual deductible"])
    alone = await embedder.embed(["annual deductible"])
    assert answer.vectors.dtype == np.float32
    assert answer.vectors.shape == (2, 1536)
    np.testing.assert_allclose(np.linalg.norm(answer.vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(answer.vectors[1], alone.vectors[0])
    assert answer.tokens + alone.tokens == mock.stats()["billed_tokens"]
    assert answer.request_id is not None
    assert answer.request_id.startswith("req_")
    assert 0 < answer.seconds < 5


def test_what_a_known_model_brings() -> None:
    """Dimension, price, tokenizer and limits of a known model need no setting."""
    embedder: Embedder = OpenAIEmbedder(KEY, model="text-embedding-3-large", batch_inputs=9999)
    assert embedder.space == EmbeddingSpace("openai", "text-embedding-3-large", 3072)
    assert embedder.space.id == space_id("openai", "text-embedding-3-large", 3072, "1")
    assert embedder.price_per_million_tokens == Decimal("0.13")
    assert (embedder.tokenizer_name, embedder.limits.max_inputs) == ("cl100k_base", 2048)
    assert (embedder.limits.max_tokens, embedder.limits.max_input_tokens) == (300_000, 8_192)


async def test_a_shorter_dimension_is_asked_for(mock: OpenAIMock) -> None:
    """A known model is asked to shorten its vectors, and they are of unit norm."""
    embedder = OpenAIEmbedder(KEY, base_url=mock.base_url, dimension=256)
    vectors = (await embedder.embed(["premium"])).vectors
    await embedder.close()
    assert vectors.shape == (1, 256)
    assert np.linalg.norm(vectors) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "nomic-embed-text"},
        {"model": "text-embedding-3-small", "dimension": 1537},
        {"model": "text-embedding-ada-002", "dimension": 256},
        {"base_url": "localhost:11434"},
        {"base_url": "file:///etc/passwd"},
        {"base_url": "https://me:secret@example.test/v1"},
    ],
    ids=str,
)
def test_a_wrong_set_up_is_said_at_once(options: dict[str, object]) -> None:
    """An unknown dimension or an address that is none fails before anything is sent."""
    with pytest.raises(ConfigurationError) as caught:
        OpenAIEmbedder(KEY, **options)  # type: ignore[arg-type]
    assert caught.value.remedy
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "status", "status": 401}, ConfigurationError),
        ({"kind": "status", "status": 403}, ConfigurationError),
        ({"kind": "status", "status": 404, "code": "model_not_found"}, ConfigurationError),
        ({"kind": "status", "status": 307, "location": "/v1/models"}, ConfigurationError),
        ({"kind": "status", "status": 400}, EmbeddingError),
        ({"kind": "status", "status": 400, "code": "max_tokens_per_request"}, InputTooLarge),
        ("quota", QuotaExhausted),
        ({"kind": "status", "status": 429, "code": "org_spend_limit_exceeded"}, QuotaExhausted),
        ("rate_limit", RateLimited),
        ("overloaded", ServiceUnavailable),
        *(({"kind": "status", "status": s}, ServiceUnavailable) for s in (408, 409, 500, 502, 504)),
        ("reset", ServiceUnavailable),
        ("drop", ServiceUnavailable),
        ("truncated_body", ServiceUnavailable),
        ("truncated_json", BadAnswer),
        ("not_json", BadAnswer),
        ("wrong_count", BadAnswer),
        ("wrong_dimension", WrongDimension),
        ("nan", BadAnswer),
        ("zero_vector", BadAnswer),
    ],
    ids=str,
)
async def test_faults(
    mock: OpenAIMock,
    embedder: OpenAIEmbedder,
    fault: object,
    expected: type[NavigatorError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each fault is one request, one error of the right class, and gives nothing away."""
    caplog.set_level(logging.INFO)
    mock.faults({"fault": fault, "times": 1})
    with pytest.raises(NavigatorError) as caught:
        await embedder.embed([CANARY, "another"])
    assert type(caught.value) is expected
    assert mock.fault_stats()[0]["matched"] == 1
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + caught.value.remedy
    assert CANARY not in told
    assert "canary-key" not in told
    assert len((await embedder.embed([CANARY, "another"])).vectors) == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "hang", "seconds": 3600},
        {"kind": "slow_body", "seconds": 3600},
        # a piece comes in time for each read, the whole does not
        {"kind": "slow_body", "seconds": 10},
    ],
    ids=str,
)
async def test_no_answer_hangs_longer_than_the_timeout(mock: OpenAIMock, fault: object) -> None:
    """A black hole and a dripping answer both end at the timeout."""
    embedder = OpenAIEmbedder(KEY, base_url=mock.base_url, timeout=1)
    mock.faults({"fault": fault})
    with pytest.raises(ServiceUnavailable, match="within 1 s"):
        await embedder.embed(["x"])
    await embedder.close()


async def test_a_wrong_order_is_put_right(mock: OpenAIMock, embedder: OpenAIEmbedder) -> None:
    """Vectors are taken by their number, not by their place in the answer."""
    texts = ["one thing", "another", "third"]
    right = (await embedder.embed(texts)).vectors
    mock.faults("wrong_order")
    np.testing.assert_array_equal((await embedder.embed(texts)).vectors, right)


async def test_a_missing_usage_is_no_error(mock: OpenAIMock, embedder: OpenAIEmbedder) -> None:
    """A server that does not bill says no tokens."""
    mock.faults("no_usage")
    assert (await embedder.embed(["x"])).tokens == 0


async def test_always_the_wrong_dimension_is_a_wrong_setting(
    mock: OpenAIMock, embedder: OpenAIEmbedder
) -> None:
    """A service that never gave the right dimension is not tried for ever."""
    mock.faults("wrong_dimension")
    with pytest.raises(BadAnswer):
        await embedder.embed(["x"])
    with pytest.raises(ConfigurationError, match="1535") as caught:
        await embedder.embed(["x"])
    assert "NAVIGATOR_EMBEDDING_DIMENSION=1535" in caught.value.remedy


@pytest.mark.parametrize(
    ("parameters", "wait"),
    [
        ({"retry_after": "121"}, 120.0),
        ({"retry_after": "1"}, 1.0),
        ({"retry_after_ms": "700"}, 0.7),
        # These say nothing, so the words count: "Please try again in 2.812s."
        ({"retry_after": "NaN"}, 2.812),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 2.812),
        ({}, 2.812),
        ({"message": "slow down"}, None),
    ],
    ids=str,
)
async def test_the_wait_is_read(
    mock: OpenAIMock,
    embedder: OpenAIEmbedder,
    parameters: dict[str, str],
    wait: float | None,
) -> None:
    """A rate limit carries the wait that the service asked for, in whatever form."""
    mock.faults({"fault": {"kind": "rate_limit", **parameters}})
    with pytest.raises(RateLimited) as caught:
        await embedder.embed(["x"])
    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["x"] * 2049, InputTooLarge),
        (["fine", ""], EmbeddingError),
        (["half a pair: \ud83d"], EmbeddingError),
    ],
    ids=["many", "empty", "surrogate"],
)
async def test_what_cannot_be_sent_is_not(
    mock: OpenAIMock,
    embedder: OpenAIEmbedder,
    texts: list[str],
    expected: type[NavigatorError],
) -> None:
    """Inputs that the service is known to refuse cost no request."""
    with pytest.raises(expected):
        await embedder.embed(texts)
    assert mock.stats()["requests"] == 0


async def test_the_services_own_limits(embedder: OpenAIEmbedder) -> None:
    """Too many tokens together are halved by the caller; one text too long is that text's end."""
    with pytest.raises(InputTooLarge):
        await embedder.embed([" a" * 8000] * 38)
    with pytest.raises(EmbeddingError) as caught:
        await embedder.embed(["fine", " a" * 8610])
    assert caught.value.code == "input_too_long"


async def test_no_texts_cost_nothing(mock: OpenAIMock, embedder: OpenAIEmbedder) -> None:
    """An empty list gives an empty answer without a request."""
    assert (await embedder.embed([])).vectors.shape == (0, 1536)
    assert mock.stats()["requests"] == 0


async def test_requests_run_at_once(mock: OpenAIMock) -> None:
    """No more than `concurrency` requests are under way; waiting for a turn is no time-out."""
    mock.faults({"fault": {"kind": "latency", "seconds": 0.2}})
    embedder = OpenAIEmbedder(KEY, base_url=mock.base_url, concurrency=3, timeout=1.4)
    await asyncio.gather(*(embedder.embed([str(n)]) for n in range(24)))
    await embedder.close()
    assert mock.stats()["in_flight_max"] == 3


async def test_a_refused_connection_is_transient() -> None:
    """Nothing listening is a service that is away, and the address is named."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        embedder = OpenAIEmbedder(KEY, base_url=f"http://127.0.0.1:{port}/v1")
        with pytest.raises(ServiceUnavailable, match=f"127.0.0.1:{port}") as caught:
            await embedder.embed(["x"])
        await embedder.close()
    assert "nothing listens" in caught.value.message
    assert "OPENAI_BASE_URL" in caught.value.remedy


class PlainServer(BaseHTTPRequestHandler):
    """A server in the manner of Ollama: float lists only, no usage, no key."""

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        asked = json.loads(self.rfile.read(length))
        data = [{"index": i, "embedding": [3.0, 4.0]} for i in range(len(asked["input"]))]
        body = json.dumps({"object": "list", "data": data, "seen": sorted(asked)}).encode()
        assert "dimensions" not in asked
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


async def test_a_plain_compatible_server() -> None:
    """Float lists that are not of unit norm, without usage, from a server without a key."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), PlainServer)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    embedder = OpenAIEmbedder(None, model="nomic-embed-text", base_url=url, dimension=2)
    try:
        answer = await embedder.embed(["a", "b"])
    finally:
        await embedder.close()
        server.shutdown()
        server.server_close()
        thread.join()
    np.testing.assert_allclose(answer.vectors, [[0.6, 0.8], [0.6, 0.8]], atol=1e-6)
    assert (answer.tokens, answer.request_id) == (0, None)
    assert embedder.price_per_million_tokens == 0
    assert embedder.space.provider == "openai-compatible"
