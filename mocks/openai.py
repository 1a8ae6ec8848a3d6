"""OpenAI's embeddings, as contracts say it: limits, errors, headers, base64 and float, counters.

`mocks.fault_kinds` lists the faults.
"""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
import orjson
from numpy.typing import NDArray

from mocks import openai_errors as errors
from mocks.billing import Ledger
from mocks.budget import RateBudget
from mocks.faults import Fault
from mocks.openai_inputs import BadInputError, token_lists
from mocks.vectors import vectors_of
from mocks.wire import Request, Response, json_response

DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
MAX_INPUT_TOKENS = 8_192
MAX_REQUEST_TOKENS = 300_000
FORMATS = ("float", "base64")


@dataclass(frozen=True)
class OpenAISettings:
    """How the stand-in behaves.

    Attributes:
        latency: seconds that every request takes beside the work.
        api_key: the only key taken; None takes any key.
        requests_per_minute, tokens_per_minute: enforced when given; headers tell them always.
    """

    latency: float = 0.0
    api_key: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass
class OpenAIService:
    """The stand-in; one per server."""

    settings: OpenAISettings = field(default_factory=OpenAISettings)
    name: str = "openai"
    ledger: Ledger = field(default_factory=Ledger)
    budget: RateBudget = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def owns(self, path: str) -> bool:
        """Embeddings and models, with or without the version in front."""
        return _route(path).partition("/")[0] in {"embeddings", "models"}

    def stats(self) -> dict[str, Any]:
        """Requests, statuses, inputs, billed and unique tokens, repeated inputs."""
        return self.ledger.stats()

    def reset(self) -> None:
        """Forget the counters and refill the budget."""
        self.ledger = Ledger()
        self.budget = RateBudget(self.settings.requests_per_minute, self.settings.tokens_per_minute)

    async def respond(self, request: Request, fault: Fault | None) -> Response:
        """Answer a request, with the headers that OpenAI always sends."""
        started = time.perf_counter()
        if self.settings.latency:
            await asyncio.sleep(self.settings.latency)
        response = errors.scripted(fault) if fault else None
        if response is None:
            response = self._authorised(request, fault)
        self.ledger.answered(response.status)
        milliseconds = str(round((time.perf_counter() - started) * 1000))
        headers = {"x-request-id": f"req_{uuid4().hex}", "openai-processing-ms": milliseconds}
        return response.with_headers({**headers, **self.budget.headers()})

    def _authorised(self, request: Request, fault: Fault | None) -> Response:
        if not request.bearer:
            return errors.missing_key()
        if self.settings.api_key not in (None, request.bearer):
            return errors.wrong_key(request.bearer)
        match request.method, _route(request.path).split("/"):
            case "POST", ["embeddings"]:
                return self._embeddings(request.body, fault)
            case "GET", ["models"]:
                return json_response(200, {"object": "list", "data": [*map(_model, DIMENSIONS)]})
            case "GET", ["models", name] if name in DIMENSIONS:
                return json_response(200, _model(name))
            case "GET", ["models", name]:
                return errors.model_not_found(name)
        return errors.unknown_route(request.method, request.path)

    def _embeddings(self, body: bytes, fault: Fault | None) -> Response:
        try:
            asked = orjson.loads(body)
        except ValueError:
            return errors.invalid_body()
        if not isinstance(asked, dict):
            return errors.invalid_body()
        model = str(asked.get("model", ""))
        full = DIMENSIONS.get(model)
        if full is None:
            return errors.model_not_found(model)
        dimension = asked.get("dimensions", full)
        if not isinstance(dimension, int) or not 1 <= dimension <= full:
            return errors.invalid_dimensions(model, full)
        if dimension != full and model.endswith("ada-002"):
            return errors.dimensions_not_supported()
        if asked.get("encoding_format", "float") not in FORMATS:
            return errors.invalid_choice(
                "encoding_format", asked["encoding_format"], "'float' and 'base64'"
            )
        if not isinstance(asked.get("user", ""), str):
            return errors.invalid_type("user", "a string")
        try:
            tokens = token_lists(asked.get("input"))
        except BadInputError as error:
            return errors.invalid_input(str(error))
        return self._limited(model, dimension, tokens, asked, fault)

    def _limited(
        self,
        model: str,
        dimension: int,
        tokens: list[list[int]],
        asked: dict[str, Any],
        fault: Fault | None,
    ) -> Response:
        longest, total = max(map(len, tokens)), sum(map(len, tokens))
        if longest > MAX_INPUT_TOKENS:
            return errors.context_length(MAX_INPUT_TOKENS, longest)
        if total > MAX_REQUEST_TOKENS:
            return errors.too_many_tokens(MAX_REQUEST_TOKENS, total)
        wait = self.budget.spend(total)
        if wait is not None:
            return errors.rate_limit(model, self.budget, total, wait)
        vectors = vectors_of(tokens, dimension)
        self.ledger.billed(f"{model}/{dimension}", tokens)
        rows = _spoil(vectors, fault.kind if fault else "")
        return _answer(model, rows, total, asked.get("encoding_format", "float"), fault)


def _route(path: str) -> str:
    return path.removeprefix("/v1").strip("/")


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1705948997, "owned_by": "system"}


def _spoil(vectors: NDArray[np.float32], kind: str) -> list[NDArray[np.float32]]:
    if kind == "nan":
        vectors[-1, 0] = np.nan
    elif kind == "zero_vector":
        vectors[-1] = 0.0
    elif kind == "wrong_dimension":
        vectors = np.ascontiguousarray(vectors[:, :-1])
    rows = list(vectors)
    return rows[:-1] if kind == "wrong_count" else rows


def _answer(
    model: str, rows: list[NDArray[np.float32]], total: int, form: object, fault: Fault | None
) -> Response:
    kind = fault.kind if fault else ""
    encode = base64.b64encode if form == "base64" else None
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": encode(row.tobytes()).decode() if encode else row,
        }
        for index, row in enumerate(rows)
    ]
    if kind == "wrong_order":
        data.reverse()
    value: dict[str, Any] = {"object": "list", "data": data, "model": model}
    if kind != "no_usage":
        value["usage"] = {"prompt_tokens": total, "total_tokens": total}
    if kind == "not_json":
        return Response(200, b"<html>gateway</html>", {"content-type": "text/html"})
    return json_response(200, value, options=orjson.OPT_SERIALIZE_NUMPY)
