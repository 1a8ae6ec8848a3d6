"""Sends texts to the embedder within the shared rate limit, the cost cap and the circuit breaker.

What a refusal means is decided here, in one place, for each request by itself:

- 429: everybody waits as long as the provider says; no attempt is used up;
- too large, or a text that the provider refuses: the request is cut in two until the culprit is
  alone; it is returned, the others go on;
- a failing service or a bad answer: the request is sent again after a pause; one that fails as
  often as it may is cut in two likewise, and what got no answer is returned;
- an open circuit: waited for while the outage is young;
- no quota, or the cost cap: the run stops cleanly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

from clients.embedder import EmbeddingAnswer
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
from pipeline.retry_policy import ATTEMPTS, ATTEMPTS_OF_HALVES, Patience, RateLimitBackoff
from pipeline.store import rate_limits, vector_buffer
from pipeline.store.cost_caps import Reservation
from pipeline.store.vector_buffer import PendingText
from stages import durable_writes
from stages.admission_control import Admission, PublishedAdmission
from stages.batch import Batch
from stages.circuit_breaker import CIRCUIT_OPEN
from stages.costs import embedding_price
from stages.services import Services
from stages.text_owners import by_owner


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of texts that were sent: those without an answer, each with its reason.

    Attributes:
        refused: the provider does not take them.
        unanswered: the service failed, after some patience.
        whole: every text has its vector now, so that nothing of them is left to be looked for.
    """

    refused: dict[PendingText, EmbeddingError] = field(default_factory=dict)
    unanswered: dict[PendingText, TransientError] = field(default_factory=dict)
    whole: bool = False


class Sender:
    """Sends reserved texts and keeps every answer.

    Args:
        batch: whose claims the texts' jobs are; its run's cost cap counts.
        documents: the published documents that the texts are of, when a space is filled beside;
            then there are no claims, and the texts' reservations alone count.
        recipe: by which these documents were cut, when one is filled beside.
    """

    def __init__(
        self,
        services: Services,
        batch: Batch,
        documents: Sequence[UUID] = (),
        recipe: UUID | None = None,
    ) -> None:
        self._services = services
        self._run_id = batch.run_id
        self._patience = Patience(services.settings.service_patience_seconds)
        self._documents = documents
        self._recipe = recipe
        admits = PublishedAdmission if documents else Admission
        self._admission = admits(services, batch)
        self._slots = asyncio.Semaphore(services.embedder.concurrency)
        self._stopped: NavigatorError | None = None
        self._sent = Sent()
        self._stored = 0

    async def send(self, texts: Sequence[PendingText]) -> Sent:
        """Embed and persist the texts; those that are not ours any more are not sent.

        Raises:
            TransientError: the database does not answer.
            RunStopped, ConfigurationError: the first trouble that is everybody's; requests under
                way are finished and kept.
        """
        self._sent, self._stored = Sent(), 0
        sizes = self._fitting(texts)
        requests = [request for own in by_owner(sizes) for request in self._packed(own)]
        try:
            await asyncio.gather(*(self._in_turn(request) for request in requests))
        finally:
            if self._stored < len(texts):
                await self._give_back(texts)
        if self._stopped is not None:
            raise self._stopped
        return replace(self._sent, whole=self._stored == len(texts))

    def _packed(self, texts: Sequence[PendingText]) -> list[list[PendingText]]:
        packed = pack([text.tokens for text in texts], self._services.embedder.limits)
        return [[texts[index] for index in indices] for indices in packed]

    def _fitting(self, texts: Sequence[PendingText]) -> list[PendingText]:
        """Without the texts that no request can hold: they are refused without being sent."""
        limits = self._services.embedder.limits
        most = min(limits.max_input_tokens, limits.max_tokens)
        for text in texts:
            if text.tokens > most:
                self._sent.refused[text] = EmbeddingError(
                    f"A chunk has {text.tokens} tokens; the model takes at most {most}.",
                    remedy="Lower NAVIGATOR_CHUNK_TOKENS, then retry the document.",
                )
        return [text for text in texts if text not in self._sent.refused]

    async def _in_turn(self, texts: list[PendingText]) -> None:
        async with self._slots:
            deadline = time.monotonic() + self._patience.cutting_seconds
            try:
                await self._request(texts, ATTEMPTS, deadline)
            except (TransientError, RunStopped) as error:
                # A reason to stop the whole run outweighs a reason to try again.
                if self._stopped is None or isinstance(error, RunStopped):
                    self._stopped = error
            except NavigatorError as error:
                self._stopped = error

    async def _request(self, texts: list[PendingText], attempts: int, deadline: float) -> None:
        """Send the texts until they are answered or out of patience, then look for the culprit."""
        for failures in range(1, attempts + 1):
            if self._stopped is not None:
                return
            try:
                await self._answered(texts)
            except EmbeddingError as error:
                if len(texts) == 1:
                    self._sent.refused[texts[0]] = error
                    return
                break
            except ServiceUnavailable as error:
                hopeless = len(texts) == 1 or time.monotonic() >= deadline
                if error.code == CIRCUIT_OPEN or (failures == attempts and hopeless):
                    self._sent.unanswered.update(dict.fromkeys(texts, error))
                    return
                if failures < attempts:
                    await asyncio.sleep(self._patience.pause(failures))
                else:
                    attempts = ATTEMPTS_OF_HALVES
            else:
                return
        for half in halve(texts):
            await self._request(half, attempts, deadline)

    async def _answered(self, texts: list[PendingText]) -> None:
        """One request, as often as the provider asks for it to be later."""
        backoff = RateLimitBackoff()
        while True:
            try:
                return await self._once(texts)
            except RateLimited as error:
                if backoff.is_over:
                    message = "The embedder only asks us to slow down."
                    raise ServiceUnavailable(message, code=CIRCUIT_OPEN) from None
                await self._pause(backoff.pause(error.retry_after))

    async def _once(self, asked: list[PendingText]) -> None:
        async with self._services.embedding_slots:
            texts, reserved = await self._admission.admit(asked, self._price)
            if not texts or self._stopped is not None:
                return await self._admission.release(reserved)
            started = time.perf_counter()
            try:
                answer = await self._services.embedder.embed([text.text for text in texts])
            except NavigatorError as error:
                await self._note_failure(error, started, texts, reserved)
                raise
        failpoint("after-embed-answer")
        await self._keep(texts, answer, reserved)
        failpoint("after-vector-commit")

    def _price(self, tokens: int) -> Decimal:
        return embedding_price(self._services.embedder, tokens)

    async def _keep(
        self, texts: Sequence[PendingText], answer: EmbeddingAnswer, reserved: Reservation
    ) -> None:
        billed = answer.tokens or sum(text.tokens for text in texts)
        asked = self._paid(texts, reserved)
        stored = await durable_writes.store_paid_response(self._services, asked, answer, billed)
        self._stored += stored  # only now: other requests count theirs meanwhile

    def _paid(
        self, texts: Sequence[PendingText], reserved: Reservation
    ) -> durable_writes.PaidRequest:
        return durable_writes.PaidRequest(
            self._run_id, texts, reserved, self._documents, self._recipe
        )

    async def _note_failure(
        self,
        error: NavigatorError,
        started: float,
        texts: Sequence[PendingText],
        reserved: Reservation,
    ) -> None:
        asked = self._paid(texts, reserved)
        await durable_writes.store_failed_request(
            self._services, asked, error, time.perf_counter() - started
        )

    async def _pause(self, seconds: float) -> None:
        async with self._services.database.service() as connection:
            await rate_limits.pause(connection, self._services.provider, seconds)

    async def _give_back(self, texts: Sequence[PendingText]) -> None:
        space = self._services.version.space_id
        async with self._services.database.service() as connection:
            await vector_buffer.release(connection, space, texts, self._services.worker)
