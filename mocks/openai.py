"""Mocks OpenAI: embeddings, models, batches; errors, headers, limits, counters.

`mocks.fault_kinds` lists the faults.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from mocks import openai_errors as errors
from mocks.billing import Ledger
from mocks.faults import Fault
from mocks.openai_batches import BatchStore
from mocks.openai_embeddings import DIMENSIONS, embed
from mocks.rate_limit import RateBudget
from mocks.wire import Request, Response, json_response


@dataclass(frozen=True)
class OpenAISettings:
    """How the mock server behaves.

    Attributes:
        latency: seconds that every request takes beside the work.
        api_key: the only key taken; None takes any key.
        requests_per_minute, tokens_per_minute: enforced when given; headers tell them always.
        batch_seconds: from creating a batch to its end.
    """

    latency: float = 0.0
    api_key: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    batch_seconds: float = 0.1


@dataclass
class OpenAIService:
    """The mock server; one per server."""

    settings: OpenAISettings = field(default_factory=OpenAISettings)
    name: str = "openai"
    ledger: Ledger = field(default_factory=Ledger)
    budget: RateBudget = field(init=False)
    batches: BatchStore | None = None

    def __post_init__(self) -> None:
        self.reset()

    def owns(self, path: str) -> bool:
        """Embeddings, models, files and batches, with or without the version in front."""
        return _route(path).partition("/")[0] in {"embeddings", "models", "files", "batches"}

    def stats(self) -> dict[str, Any]:
        """Requests, statuses, inputs, billed and unique tokens, repeated inputs."""
        return self.ledger.stats()

    def reset(self) -> None:
        """Forget counters, files and batches, and refill the budget."""
        if self.batches is not None:
            self.batches.forget()
        self.ledger = Ledger()
        self.batches = BatchStore(self.ledger, self.settings.batch_seconds)
        self.budget = RateBudget(self.settings.requests_per_minute, self.settings.tokens_per_minute)

    async def respond(self, request: Request, fault: Fault | None) -> Response:
        """Answer a request, with the headers that OpenAI always sends."""
        started = time.perf_counter()
        if self.settings.latency:
            await asyncio.sleep(self.settings.latency)
        response = errors.scripted(fault) if fault else None
        if response is None:
            response = self._authorized(request, fault)
        self.ledger.answered(response.status)
        milliseconds = str(round((time.perf_counter() - started) * 1000))
        headers = {"x-request-id": f"req_{uuid4().hex}", "openai-processing-ms": milliseconds}
        return response.with_headers({**headers, **self.budget.headers()})

    def _authorized(self, request: Request, fault: Fault | None) -> Response:
        if not request.bearer:
            return errors.missing_key()
        if self.settings.api_key not in (None, request.bearer):
            return errors.wrong_key(request.bearer)
        match request.method, _route(request.path).split("/"):
            case "POST", ["embeddings"]:
                return embed(request.body, self.ledger, self.budget, fault)
            case "GET", ["models"]:
                return json_response(200, {"object": "list", "data": [*map(_model, DIMENSIONS)]})
            case "GET", ["models", name] if name in DIMENSIONS:
                return json_response(200, _model(name))
            case "GET", ["models", name]:
                return errors.model_not_found(name)
            case _, ["files" | "batches", *_] if self.batches is not None:
                return self.batches.respond(request, _route(request.path).split("/"))
        return errors.unknown_route(request.method, request.path)


def _route(path: str) -> str:
    return path.removeprefix("/v1").strip("/")


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1705948997, "owned_by": "system"}
