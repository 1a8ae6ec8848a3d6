"""Asks a provider's shared rate limit and circuit breaker, and reports answers to them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from clients.parser import UnknownJob
from pipeline.errors import NavigatorError, QuotaExhausted, RateLimited, ServiceUnavailable
from pipeline.logs import logger
from pipeline.retry_policy import ATTEMPTS, Patience, RateLimitBackoff
from pipeline.store import circuit_breaker, rate_limits
from pipeline.store.circuit_breaker import Permit
from stages.services import Services

CIRCUIT_OPEN = "circuit_open"
"""Code of an error that says that a provider was not even asked."""

_LOG = logger("navigator.services")

Answer = TypeVar("Answer")
Noting = Callable[[ServiceUnavailable], Awaitable[None]]


def circuit_error(permit: Permit, provider: str) -> NavigatorError:
    """The error of an open circuit: why a provider may not be asked now."""
    reason = permit.reason or f"{provider} fails."
    if "credit" in reason:
        return QuotaExhausted(reason, code=CIRCUIT_OPEN)
    wait = f"{reason} It is asked again in {permit.wait_seconds:.0f} s."
    return ServiceUnavailable(wait, code=CIRCUIT_OPEN)


def bears(permit: Permit, provider: str, patience: Patience) -> bool:
    """Whether an open circuit is waited for: while the outage is young, and money is there."""
    if isinstance(circuit_error(permit, provider), QuotaExhausted):
        return False
    return patience.bears(permit.open_seconds, permit.wait_seconds)


async def permitted(services: Services, provider: str, patience: Patience) -> None:
    """Wait for the provider's shared budget, and for its circuit as long as patience has it.

    Raises:
        ServiceUnavailable, QuotaExhausted: its circuit is open.
    """
    while True:
        async with services.database.service() as connection:
            permit = await rate_limits.acquire(connection, provider, 0)
        if permit.circuit_open and not bears(permit, provider, patience):
            raise circuit_error(permit, provider)
        if not permit.wait_seconds:
            return
        await asyncio.sleep(permit.wait_seconds)


async def with_retries(
    services: Services,
    provider: str,
    call: Callable[[], Awaitable[Answer]],
    *,
    patience: Patience,
    note: Noting,
) -> Answer:
    """Ask until there is an answer, as often as a request may.

    A 429 never uses up an attempt: everybody waits, as long as the service asks for. An answer
    that means another step (an unknown job) is the caller's.

    Args:
        note: told of each failure that is followed by another attempt.
    """
    failures = 0
    while True:
        try:
            return await _unhurried(services, provider, call)
        except ServiceUnavailable as error:
            failures += 1
            if isinstance(error, UnknownJob) or failures == ATTEMPTS:
                raise
            await note(error)
            await asyncio.sleep(patience.pause(failures))
            await permitted(services, provider, patience)


async def _unhurried(
    services: Services, provider: str, call: Callable[[], Awaitable[Answer]]
) -> Answer:
    backoff = RateLimitBackoff()
    while True:
        try:
            return await call()
        except RateLimited as error:
            if backoff.is_over:
                raise ServiceUnavailable(f"{provider} only asks us to slow down.") from None
            pause = backoff.pause(error.retry_after)
            async with services.database.service() as connection:
                await rate_limits.pause(connection, provider, pause)
            await asyncio.sleep(pause)


async def answered(services: Services, provider: str, error: NavigatorError | None = None) -> None:
    """Record a provider's answer with its circuit breaker.

    Args:
        error: what came instead of a result. One that only says that this request cannot be is
            an answer too; one of an open circuit is none.
    """
    if error is not None and error.code == CIRCUIT_OPEN:
        return
    async with services.database.service() as connection:
        if error is not None and isinstance(error, ServiceUnavailable | QuotaExhausted):
            quota = isinstance(error, QuotaExhausted)
            await circuit_breaker.record_failure(connection, provider, error.message, quota=quota)
            _LOG.warning("service_failed", service=provider, code=error.code, reason=error.message)
        else:
            await circuit_breaker.record_success(connection, provider)
