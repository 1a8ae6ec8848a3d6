"""Embeds by OpenAI or any server that speaks its API (Ollama, TEI, vLLM).

The official SDK sends; it neither retries nor follows redirects, because what to do about an error
is decided in `clients.network.provider_errors`. The answer is read from the raw bytes: the SDK's
objects cost more than the request, and a damaged answer must be ours to judge.
"""

from __future__ import annotations

import asyncio
import binascii
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import orjson
from pydantic import SecretStr

from clients.embedder import (
    EmbedderPlugin,
    EmbeddingAnswer,
    EmbeddingSpace,
    Vectors,
    WrongDimension,
    checked_vectors,
)
from clients.network.certificates import trusted_certificates
from clients.network.connection_errors import connection_error
from clients.network.provider_errors import (
    BadAnswer,
    Refusal,
    WronglySetUp,
    embedding_error,
)
from clients.network.provider_urls import plain_base_url
from clients.openai.inputs import MAX_INPUTS, refuse_unsendable
from clients.openai.models import KNOWN_MODELS, dimension_of
from pipeline import correlation, tracing
from pipeline.api_keys import usable_key
from pipeline.errors import (
    NavigatorError,
    ServiceUnavailable,
)
from pipeline.packing import RequestLimits

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from pipeline.settings import Settings

OPENAI_URL = "https://api.openai.com/v1"
MAX_TOKENS, MAX_INPUT_TOKENS = 300_000, 8_192
CONNECT_SECONDS = 10.0


class OpenAIEmbedder:
    """One model of one OpenAI-compatible service.

    Args:
        api_key: None for a server of one's own that wants none.
        dimension: needed for a model that is not in `KNOWN_MODELS`; shortens a known one.
        price: US dollars a million tokens; the known model's, or 0.
        concurrency: requests under way at once.
        batch_inputs: texts in a request, at most 2,048; also what a crash can cost again.
        timeout: seconds for one request, all told.

    Raises:
        ConfigurationError: the address, the dimension or a number is wrong.
    """

    def __init__(
        self,
        api_key: SecretStr | None,
        *,
        model: str = "text-embedding-3-small",
        base_url: str = OPENAI_URL,
        dimension: int | None = None,
        price: Decimal | None = None,
        concurrency: int = 8,
        batch_inputs: int = 256,
        timeout: float = 60.0,
        tokenizer_name: str = "cl100k_base",
    ) -> None:
        self._api_key = usable_key(api_key, "the embedder") if api_key else None
        self._base_url = plain_base_url(base_url, "OPENAI_BASE_URL")
        self._service = _service_name(base_url)
        known = KNOWN_MODELS.get(model)
        # The model's name makes the space, not the address: a proxy gives the same vectors.
        provider = "openai" if known else "openai-compatible"
        self._space = EmbeddingSpace(provider, model, dimension_of(model, dimension))
        # Other servers refuse an option that they do not know, so it is sent only where it matters.
        self._shortened = known is not None and self._space.dimension != known.dimension
        self._price = price if price is not None else known.price if known else Decimal(0)
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._timeout = timeout
        self._tokenizer_name = tokenizer_name
        self._limits = RequestLimits(min(batch_inputs, MAX_INPUTS), MAX_TOKENS, MAX_INPUT_TOKENS)
        self._client: AsyncOpenAI | None = None
        self._wrong_dimension_before = False
        self._ever_right = False

    @property
    def address(self) -> str:
        """Where texts are sent, for the rule that connections are held to."""
        return self._base_url

    @property
    def space(self) -> EmbeddingSpace:
        """Where the vectors belong."""
        return self._space

    @property
    def tokenizer_name(self) -> str:
        """For `pipeline.tokens.tokenizer`."""
        return self._tokenizer_name

    @property
    def limits(self) -> RequestLimits:
        """What one call of `embed` takes."""
        return self._limits

    @property
    def price_per_million_tokens(self) -> Decimal:
        """In US dollars."""
        return self._price

    @property
    def concurrency(self) -> int:
        """Requests under way at once."""
        return self._concurrency

    async def embed(self, texts: Sequence[str]) -> EmbeddingAnswer:
        """Embed one request's worth of texts; see `Embedder.embed` for the errors."""
        refuse_unsendable(texts)
        if not texts:
            empty = np.empty((0, self._space.dimension), dtype=np.float32)
            return EmbeddingAnswer(empty, 0, None, 0.0)
        started = time.perf_counter()
        body, request_id = await self._request(list(texts))
        vectors, tokens = self._read(body, len(texts))
        return EmbeddingAnswer(vectors, tokens, request_id, time.perf_counter() - started)

    async def close(self) -> None:
        """Close every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _request(self, texts: list[str]) -> tuple[bytes, str | None]:
        import httpx2
        import openai

        client = self._connected()
        asked: dict[str, Any] = {"model": self._space.model, "input": texts}
        asked["encoding_format"] = "base64"
        if self._shortened:
            asked["dimensions"] = self._space.dimension
        error: NavigatorError
        try:
            # httpx bounds each read, not the whole answer: a dripping one needs this clock.
            async with self._slots, asyncio.timeout(self._timeout):
                # Not `embeddings.create`: it rebuilds the input text by text to rename parameters,
                # which costs as much as the request.
                more: Any = {"options": {"headers": correlation.headers()}}
                with tracing.span("embeddings request", model=self._space.model, inputs=len(texts)):
                    raw = await client.post(
                        "/embeddings", cast_to=httpx2.Response, body=asked, **more
                    )
            return raw.content, raw.headers.get("x-request-id")
        except openai.APIStatusError as refused:
            error = embedding_error(self._refusal(refused, len(texts)))
        except (openai.APITimeoutError, TimeoutError):
            error = ServiceUnavailable(
                f"{self._service} did not answer within {self._timeout:g} s."
            )
        except openai.APIConnectionError as broken:
            error = connection_error(broken, self._service, self._base_url, "OPENAI_BASE_URL")
        # The SDK's errors quote keys and messages, so they do not travel on as the cause.
        raise error from None

    def _refusal(self, error: Any, inputs: int) -> Refusal:
        response = error.response
        return Refusal(self._service, error.status_code, response.headers, response.content, inputs)

    def _read(self, body: bytes, texts: int) -> tuple[Vectors, int]:
        try:
            vectors, tokens = _vectors_of(body, texts, self._space.dimension, self._service)
        except WrongDimension as error:
            # Once can be a hiccup; a service that never gave the right one is set up wrongly.
            if self._wrong_dimension_before and not self._ever_right:
                raise self._wrongly_set_up(error.got) from None
            self._wrong_dimension_before = True
            raise
        self._ever_right = True
        return vectors, tokens

    def _wrongly_set_up(self, got: int) -> WronglySetUp:
        return WronglySetUp(
            f"{self._service} gives vectors of {got} dimensions for {self._space.model}, "
            f"not {self._space.dimension}.",
            remedy=f"Set NAVIGATOR_EMBEDDING_DIMENSION={got}, or choose another model.",
        )

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = _client(self._base_url, self._api_key, self._concurrency, self._timeout)
        return self._client


def _client(
    base_url: str, api_key: SecretStr | None, concurrency: int, timeout: float
) -> AsyncOpenAI:
    import httpx2
    from openai import AsyncOpenAI

    transport = httpx2.AsyncClient(
        timeout=httpx2.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
        limits=httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        follow_redirects=False,
        verify=trusted_certificates(),
    )
    key = api_key.get_secret_value() if api_key else ""
    return AsyncOpenAI(
        api_key=key or "none", base_url=base_url, max_retries=0, http_client=transport
    )


def _service_name(base_url: str) -> str:
    host = urlsplit(base_url).netloc
    return "OpenAI" if host == "api.openai.com" else f"The embedding service at {host}"


def _vectors_of(body: bytes, texts: int, dimension: int, service: str) -> tuple[Vectors, int]:
    try:
        answer = orjson.loads(body)
        data = answer["data"]
        rows = [_row(item["embedding"]) for item in data]
        indices = [item.get("index") for item in data]
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        raise BadAnswer(f"{service} answered something that is not a list of vectors.") from None
    usage = answer.get("usage")
    tokens = usage.get("prompt_tokens", 0) if isinstance(usage, dict) else 0
    vectors = checked_vectors(rows, indices, texts, dimension, service)
    return vectors, tokens if type(tokens) is int and tokens > 0 else 0


def _row(embedding: str | list[float]) -> Vectors:
    if isinstance(embedding, str):
        return np.frombuffer(binascii.a2b_base64(embedding, strict_mode=True), dtype="<f4")
    return np.asarray(embedding, dtype=np.float32)


def open_openai(settings: Settings) -> OpenAIEmbedder:
    """The embedder of the settings' key, address and model; close it afterwards.

    Raises:
        ConfigurationError: the address, the dimension or a number is wrong.
    """
    return OpenAIEmbedder(
        settings.openai_api_key,
        model=settings.embedding_model,
        base_url=settings.openai_base_url,
        dimension=settings.embedding_dimension,
        price=settings.embedding_usd_per_million_tokens,
        concurrency=settings.embedding_concurrency,
        batch_inputs=settings.embedding_batch_inputs,
    )


PLUGIN = EmbedderPlugin("OpenAI, or a server that speaks its API", open_openai)
