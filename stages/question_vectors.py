"""Turns a question into its vector while a person waits: in seconds, or not at all.

An embedding service is asked within the shared rate limit and never through an open circuit, and
what came of it is recorded there: so the second question after an outage does not wait for the
service again, and a question may be the request that closes the circuit.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.errors import (
    ConfigurationError,
    EmbeddingError,
    NavigatorError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
    UsageError,
)
from pipeline.retry_policy import QUESTION_SECONDS, QUESTION_WAIT_SECONDS
from pipeline.text import fold, normalize
from stages.query_embedding import QUESTION, counted, embedded, is_here

if TYPE_CHECKING:
    from clients.embedder import Embedder, EmbeddingAnswer, Vectors
    from pipeline.store.engine import Database

Away = (ServiceUnavailable, RateLimited, QuotaExhausted, ConfigurationError)
"""What says that the embedder gives no vector now; nothing is wrong with the question."""


async def question_vector(
    text: str, owner: UUID, database: Database, embedder: Embedder
) -> Vectors:
    """Embed a question, shape (dimension,).

    Raises:
        UsageError: it cannot be turned into a vector.
        ServiceUnavailable, RateLimited, QuotaExhausted, ConfigurationError: no vector now (`Away`).
        DatabaseUnavailable: limits or ledger could not be reached.
    """
    asked = fold(normalize(text).text)
    try:
        if is_here(embedder):
            answer = await embedded(asked, database, embedder, operation=QUESTION, owner=owner)
        else:
            await _permitted(asked, database, embedder)
            answer = await _answered(asked, owner, database, embedder)
    except EmbeddingError as error:
        raise UsageError(
            f"The question cannot be turned into a vector: {error.message}",
            remedy="Ask it in words, or search by text alone.",
        ) from error
    vector: Vectors = answer.vectors[0]
    return vector


async def _permitted(text: str, database: Database, embedder: Embedder) -> None:
    """Take the question's share of the rate limit, waiting for it no longer than a person does."""
    from pipeline.store import rate_limits
    from stages.circuit_breaker import circuit_error

    provider = provider_of(embedder)
    tokens, deadline = counted(text, embedder), time.monotonic() + QUESTION_WAIT_SECONDS
    while True:
        async with database.service() as connection:
            permit = await rate_limits.acquire_known(connection, provider, tokens)
        if permit.circuit_open:
            raise circuit_error(permit, provider)
        if not permit.wait_seconds:
            return
        if time.monotonic() + permit.wait_seconds > deadline:
            raise RateLimited(
                f"{provider} is asked as often as it may be.", retry_after=permit.wait_seconds
            )
        await asyncio.sleep(permit.wait_seconds)


async def _answered(
    text: str, owner: UUID, database: Database, embedder: Embedder
) -> EmbeddingAnswer:
    error: NavigatorError
    try:
        async with asyncio.timeout(QUESTION_SECONDS):
            answer = await embedded(text, database, embedder, operation=QUESTION, owner=owner)
    except TimeoutError:
        error = ServiceUnavailable(
            f"{provider_of(embedder)} did not answer a question within {QUESTION_SECONDS:g} s."
        )
    except (ServiceUnavailable, RateLimited, QuotaExhausted, EmbeddingError) as failed:
        error = failed
    else:
        await _record(database, embedder, None)
        return answer
    await _record(database, embedder, error)
    raise error


async def _record(database: Database, embedder: Embedder, error: NavigatorError | None) -> None:
    """Tell the shared circuit and rate limit what came of a question."""
    from pipeline.store import circuit_breaker, rate_limits

    provider = provider_of(embedder)
    async with database.service() as connection:
        if isinstance(error, RateLimited):
            await rate_limits.pause(connection, provider, error.retry_after or 1.0)
        elif isinstance(error, ServiceUnavailable | QuotaExhausted):
            quota = isinstance(error, QuotaExhausted)
            await circuit_breaker.record_failure(connection, provider, error.message, quota=quota)
        elif await circuit_breaker.has_failures(connection, provider):
            await circuit_breaker.record_success(connection, provider)


def provider_of(embedder: Embedder) -> str:
    """The name under which the embedder's rate limit and circuit are shared."""
    return f"{embedder.space.provider}/{embedder.space.model}"
