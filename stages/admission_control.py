"""Admits a request to the embedder: work still leased, rate limit, circuit breaker, cost cap."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.clock import steady_seconds
from pipeline.retry_policy import Patience
from pipeline.store import cost_caps, leases, rate_limits, vector_buffer
from pipeline.store.circuit_breaker import Permit
from pipeline.store.cost_caps import Reservation
from pipeline.store.vector_buffer import PendingText
from stages.batch import Batch
from stages.circuit_breaker import bears, circuit_error
from stages.fencing import needed_seconds, regain
from stages.services import Services

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class Admission:
    """Admits each request of a batch, in one transaction."""

    def __init__(self, services: Services, batch: Batch) -> None:
        self._services = services
        self._batch = batch
        self._patience = Patience(services.settings.service_patience_seconds)

    async def admit(
        self, texts: Sequence[PendingText], price: Callable[[int], Decimal]
    ) -> tuple[list[PendingText], Reservation]:
        """Wait until the texts may be sent: those still leased, with their cost reserved.

        Raises:
            ServiceUnavailable, QuotaExhausted: the circuit is open, for longer than we wait.
            CostCapReached: the run's money is not there.
            SpendingCapReached: the month's is not, of a user or of everybody.
        """
        provider, regained = self._services.provider, False
        while True:
            asked = steady_seconds()
            ours, permit, reserved = await self._ask(texts, price, whole=not regained)
            if permit is None:
                await self._regain(texts)
                regained = True
            elif permit.circuit_open and not bears(permit, provider, self._patience):
                raise circuit_error(permit, provider)
            elif permit.wait_seconds:
                await asyncio.sleep(permit.wait_seconds)
            elif steady_seconds() - asked < needed_seconds(self._services):
                return ours, reserved
            else:  # this process was stopped meanwhile: what was true is not any more
                await self.release(reserved)
                regained = False

    async def release(self, reserved: Reservation) -> None:
        """Release the reservation of a request that is not sent."""
        if reserved:
            async with self._services.database.service() as connection:
                await cost_caps.settle(connection, self._batch.run_id, reserved, Decimal(0))

    async def _ask(
        self, texts: Sequence[PendingText], price: Callable[[int], Decimal], *, whole: bool
    ) -> tuple[list[PendingText], Permit | None, Reservation]:
        """No permit, when `whole` is wanted and some of the texts are not ours."""
        nothing, settings = Reservation(), self._services.settings
        async with self._services.database.service() as connection:
            ours = await self._held(connection, texts)
            if whole and len(ours) < len(texts):
                return ours, None, nothing
            if not ours:
                return ours, Permit(0), nothing
            tokens = sum(text.tokens for text in ours)
            permit = await rate_limits.acquire(connection, self._services.provider, tokens)
            if permit.wait_seconds or permit.circuit_open:
                return ours, permit, nothing
            reserved = await cost_caps.reserve(
                connection, self._batch.run_id, _wanted(ours, price), settings.spending_caps,
                settings.run_cost_ceiling_usd,
            )  # fmt: skip
            return ours, permit, reserved

    async def _held(
        self, connection: AsyncConnection, texts: Sequence[PendingText]
    ) -> list[PendingText]:
        services = self._services
        space, seconds = services.version.space_id, needed_seconds(services)
        return await leases.texts_held(
            connection, self._batch.claims, space, texts, services.worker, seconds
        )

    async def _regain(self, texts: Sequence[PendingText]) -> None:
        await regain(self._services, self._batch, {text.job_id for text in texts})


def _wanted(texts: Sequence[PendingText], price: Callable[[int], Decimal]) -> dict[UUID, Decimal]:
    """What each user pays for texts."""
    tokens: dict[UUID, int] = defaultdict(int)
    for text in texts:
        tokens[text.user_id] += text.tokens
    return {user: price(count) for user, count in tokens.items()}


class PublishedAdmission(Admission):
    """The same for texts of published chunks, of which only the reservations are held."""

    async def _held(
        self, connection: AsyncConnection, texts: Sequence[PendingText]
    ) -> list[PendingText]:
        services = self._services
        space, seconds = services.version.space_id, needed_seconds(services)
        return await leases.published_texts_held(connection, space, texts, services.worker, seconds)

    async def _regain(self, texts: Sequence[PendingText]) -> None:
        services, jobs = self._services, sorted({text.job_id for text in texts})
        async with services.database.service() as connection:
            lease = services.settings.lease_seconds
            await vector_buffer.renew(connection, jobs, services.worker, lease)
