"""Sending texts to the embedder: within the shared budget, the cost cap and the circuit.

What a refusal means is decided here, in one place:

- 429: everybody waits as long as the provider says; no attempt is used up;
- too large, or a text that the provider refuses: the request is cut in two until the culprit is
  alone; it is returned, the others go on;
- a failing service: the circuit counts it, and the caller's retry comes back later;
- no quota, or the cost cap: the run stops cleanly.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from blocks.assembly import Services
from blocks.embedder import EmbeddingAnswer
from flows.stages import keeping
from flows.stages.bills import by_owner
from flows.stages.circuit import circuit_error
from pipeline.errors import (
    EmbeddingError,
    NavigatorError,
    RateLimited,
    RunStopped,
    ServiceUnavailable,
    TransientError,
)
from pipeline.failpoints import failpoint
from pipeline.packing import halve, pack
from pipeline.store import budgets, costs, vector_buffer
from pipeline.store.vector_buffer import PendingText

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
# After so long without one answer between the 429s, the caller's retry takes over.
_PATIENCE_SECONDS = 1800.0


class Sender:
    """Sends reserved texts and keeps every answer.

    Args:
        run_id: the run whose cost cap counts.
    """

    def __init__(self, services: Services, run_id: UUID) -> None:
        self._services = services
        self._run_id = run_id
        self._slots = asyncio.Semaphore(services.embedder.concurrency)
        self._stopped: NavigatorError | None = None
        self._refused: dict[PendingText, EmbeddingError] = {}

    async def send(self, texts: Sequence[PendingText]) -> dict[PendingText, EmbeddingError]:
        """Embed and persist the texts.

        Returns:
            The texts that the provider refuses, with the reason.

        Raises:
            TransientError, RunStopped, ConfigurationError: the first trouble; requests under way
                are finished and kept, the others' reservations are given back.
        """
        self._refused = {}
        sizes = self._fitting(texts)
        requests = [request for own in by_owner(sizes) for request in self._packed(own)]
        try:
            await asyncio.gather(*(self._in_turn(request) for request in requests))
        finally:
            await self._give_back(texts)
        if self._stopped is not None:
            raise self._stopped
        return dict(self._refused)

    def _packed(self, texts: Sequence[PendingText]) -> list[list[PendingText]]:
        packed = pack([text.tokens for text in texts], self._services.embedder.limits)
        return [[texts[index] for index in indices] for indices in packed]

    def _fitting(self, texts: Sequence[PendingText]) -> list[PendingText]:
        """Without the texts that no request can hold: they are refused without being sent."""
        limits = self._services.embedder.limits
        most = min(limits.max_input_tokens, limits.max_tokens)
        for text in texts:
            if text.tokens > most:
                self._refused[text] = EmbeddingError(
                    f"A chunk has {text.tokens} tokens; the model takes at most {most}.",
                    remedy="Lower NAVIGATOR_CHUNK_TOKENS, then retry the document.",
                )
        return [text for text in texts if text not in self._refused]

    async def _in_turn(self, texts: list[PendingText]) -> None:
        async with self._slots:
            if self._stopped is not None:
                return
            try:
                await self._request(texts)
            except (TransientError, RunStopped) as error:
                # A reason to stop the whole run outweighs a reason to try again.
                if self._stopped is None or isinstance(error, RunStopped):
                    self._stopped = error
            except NavigatorError as error:
                self._stopped = error

    async def _request(self, texts: list[PendingText]) -> None:
        tokens = sum(text.tokens for text in texts)
        deadline, wait = time.monotonic() + _PATIENCE_SECONDS, _FIRST_WAIT_SECONDS
        while True:
            promised = await self._permission(tokens)
            started = time.perf_counter()
            try:
                answer = await self._services.embedder.embed([text.text for text in texts])
            except RateLimited as error:
                await self._note_failure(error, started, texts, promised)
                if time.monotonic() > deadline:
                    raise ServiceUnavailable("The embedder only asks us to slow down.") from None
                pause = error.retry_after if error.retry_after else wait * random.uniform(0.5, 1)  # noqa: S311
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
                await self._pause(max(pause, 0.05))
            except EmbeddingError as error:
                await self._note_failure(error, started, texts, promised)
                await self._find_culprit(texts, error)
                return
            except NavigatorError as error:
                await self._note_failure(error, started, texts, promised)
                raise
            else:
                failpoint("after-embed-answer")
                await self._keep(texts, answer, promised)
                failpoint("after-vector-commit")
                return

    async def _permission(self, tokens: int) -> Decimal:
        """Wait for the shared budget, then promise the money; the promise in dollars."""
        while True:
            if self._stopped is not None:
                raise self._stopped
            async with self._services.database.service() as connection:
                permit = await budgets.ask(connection, self._services.provider, tokens)
                if not permit.wait_seconds and not permit.circuit_open:
                    return await costs.reserve_cost(connection, self._run_id, self._price(tokens))
            if permit.circuit_open:
                raise circuit_error(permit, self._services.provider)
            await asyncio.sleep(permit.wait_seconds)

    def _price(self, tokens: int) -> Decimal:
        return self._services.embedder.price_per_million_tokens * tokens / 1_000_000

    async def _find_culprit(self, texts: list[PendingText], error: EmbeddingError) -> None:
        if len(texts) == 1:
            self._refused[texts[0]] = error
            return
        for half in halve(texts):
            await self._request(half)

    async def _keep(
        self, texts: Sequence[PendingText], answer: EmbeddingAnswer, promised: Decimal
    ) -> None:
        billed = answer.tokens or sum(text.tokens for text in texts)
        asked = keeping.Asked(self._run_id, texts, promised)
        await keeping.keep_answer(self._services, asked, answer, billed)

    async def _note_failure(
        self, error: NavigatorError, started: float, texts: Sequence[PendingText], promised: Decimal
    ) -> None:
        asked = keeping.Asked(self._run_id, texts, promised)
        await keeping.keep_failure(self._services, asked, error, time.perf_counter() - started)

    async def _pause(self, seconds: float) -> None:
        async with self._services.database.service() as connection:
            await budgets.pause(connection, self._services.provider, seconds)

    async def _give_back(self, texts: Sequence[PendingText]) -> None:
        space = self._services.version.space_id
        async with self._services.database.service() as connection:
            await vector_buffer.release(connection, space, texts, self._services.worker)
