"""Commits what a provider was paid for, and retries that until it stands (durable writes).

An answer that is lost is bought again. So its transaction holds nothing but what it is (see
`pipeline.store.paid_responses`), a database that ends it or is away for a while is tried again,
and a cancelled run waits for it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from clients.embedder import EmbeddingAnswer, Vectors
from clients.network.connection_errors import WronglyAddressed
from clients.network.provider_errors import is_paid
from pipeline.errors import NavigatorError, QuotaExhausted, ServiceUnavailable, TransientError
from pipeline.logs import logger
from pipeline.retry_policy import PAID_RESPONSE_SECONDS
from pipeline.store import circuit_breaker, paid_responses
from pipeline.store.cost_caps import Reservation
from pipeline.store.paid_responses import PaidResponse, Stored
from pipeline.store.service_calls import ServiceCall
from pipeline.store.vector_buffer import PendingText
from stages.costs import allocate_cost, embedding_price
from stages.services import Services
from stages.text_owners import only_user

_LOG = logger("navigator.services")
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.05, 5.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PaidRequest:
    """A paid request for embeddings: its run, its texts, and what is reserved for it.

    Attributes:
        documents: the published documents that the texts are of, when a space is filled beside.
        recipe: by which these documents were cut, when one is filled beside.
    """

    run_id: UUID
    texts: Sequence[PendingText]
    reserved: Reservation
    documents: Sequence[UUID] = ()
    recipe: UUID | None = None


async def store_paid_response(
    services: Services, asked: PaidRequest, answer: EmbeddingAnswer, billed: int
) -> int:
    """Store a response that was paid for, then close the provider's circuit.

    Args:
        billed: its tokens.

    Returns:
        How many texts have their vectors by it; what was deleted meanwhile has none.

    Raises:
        TransientError: the database did not take it for `PAID_RESPONSE_SECONDS`.
    """
    call = _call(services, asked, "ok", answer.seconds, billed, answer.request_id)
    vectors, troubled = await _keep(services, _paid(services, asked, call, answer.vectors))
    # The answer stands, whatever becomes of this.
    with suppress(TransientError):
        if troubled:
            async with services.database.service() as connection:
                await circuit_breaker.record_success(connection, services.provider)
    return vectors


async def store_failed_request(
    services: Services, asked: PaidRequest, error: NavigatorError, seconds: float
) -> None:
    """Store what a failed request cost, then record it with the provider's circuit breaker.

    An answer that cannot be used is billed by its texts; a refusal, or no answer, costs nothing.
    """
    billed = sum(text.tokens for text in asked.texts) if is_paid(error) else 0
    call = _call(services, asked, error.code, seconds, billed, None)
    await _keep(services, _paid(services, asked, call, None))
    provider = services.provider
    async with services.database.service() as connection:
        if isinstance(error, ServiceUnavailable | QuotaExhausted):
            quota = isinstance(error, QuotaExhausted)
            await circuit_breaker.record_failure(connection, provider, error.message, quota=quota)
        elif not isinstance(error, WronglyAddressed):
            # it refuses this request, so it is there: a probe that hears that is an answer
            await circuit_breaker.record_success(connection, provider)


def _call(
    services: Services,
    asked: PaidRequest,
    outcome: str,
    seconds: float,
    billed: int,
    request_id: str | None,
) -> ServiceCall:
    return ServiceCall(
        services.provider,
        "embed",
        outcome,
        seconds,
        inputs=len(asked.texts),
        tokens=billed,
        cost_usd=embedding_price(services.embedder, billed),
        request_id=request_id,
        user_id=only_user(asked.texts),
        run_id=asked.run_id,
    )


def _paid(
    services: Services, asked: PaidRequest, call: ServiceCall, vectors: Vectors | None
) -> PaidResponse:
    parts = allocate_cost(asked.texts, call.tokens, call.cost_usd) if call.tokens else []
    space = services.version.space_id
    return PaidResponse(
        space, asked.texts, vectors, call, parts, asked.reserved, asked.documents, asked.recipe
    )


async def _keep(services: Services, answer: PaidResponse) -> tuple[int, bool]:
    """Keep it; how many vectors that were, and whether the provider's circuit heard of trouble."""
    tried: list[Stored] = []

    async def keep() -> tuple[int, bool]:
        async with services.database.service() as connection:
            # Of a commit that the connection did not outlive, Postgres knows what became of it.
            last = tried[-1].transaction if tried else None
            if last is None or not await paid_responses.is_stored(connection, last):
                tried.append(await paid_responses.insert_paid_response(connection, answer))
            troubled = await circuit_breaker.has_failures(connection, services.provider)
            return tried[-1].vectors, troubled

    return await shielded(retry_until_committed(keep, answer.call.request_id))


async def shielded(work: Awaitable[Result]) -> Result:
    """Shield work from cancellation: it ends first, then the cancellation goes on.

    Raises:
        CancelledError: after it is done.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(TransientError):
            await task
        raise


async def retry_until_committed(
    write: Callable[[], Awaitable[Result]],
    request_id: str | None = None,
    *,
    patience_seconds: float | None = None,
) -> Result:
    """Retry a transaction until it is committed.

    Args:
        patience_seconds: `PAID_RESPONSE_SECONDS` when not given.

    Raises:
        TransientError: the last failure, after this patience.
    """
    patience = PAID_RESPONSE_SECONDS if patience_seconds is None else patience_seconds
    deadline, wait = time.monotonic() + patience, _FIRST_WAIT_SECONDS
    while True:
        try:
            return await write()
        except TransientError as error:
            if time.monotonic() > deadline:
                raise
            _LOG.warning(
                "paid_response_not_stored",
                code=error.code,
                reason=error.message,
                request=request_id,
            )
        await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
