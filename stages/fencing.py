"""Fences a worker before money is spent: whether its leases still hold, even if it was suspended.

What ran out and nobody has taken is held again, so that a machine that was suspended goes on; what
others have is theirs.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from pipeline.store import leases, vector_buffer
from stages.batch import Batch
from stages.services import Services

_SHARE = 3
"""A lease has to last for this part of itself when a request is sent."""


def needed_seconds(services: Services) -> float:
    """The seconds that a lease must still last, and how long a check of it stays valid."""
    return services.settings.lease_seconds / _SHARE


async def jobs_still_leased(services: Services, batch: Batch, jobs: Collection[UUID]) -> set[UUID]:
    """The batch's jobs whose leases are still ours, or are again."""
    wanted = [each for each in batch.claims if each.job_id in jobs]
    seconds = needed_seconds(services)
    async with services.database.service() as connection:
        held = await leases.jobs_held(connection, wanted, services.worker, seconds)
    if len(held) < len(wanted):
        await regain(services, batch, {each.job_id for each in wanted})
        async with services.database.service() as connection:
            held = await leases.jobs_held(connection, wanted, services.worker, seconds)
    return held


async def regain(services: Services, batch: Batch, jobs: Collection[UUID]) -> None:
    """Renew expired leases of jobs and texts that nobody has taken."""
    wanted = [each for each in batch.claims if each.job_id in jobs]
    lease, worker = services.settings.lease_seconds, services.worker
    async with services.database.service() as connection:
        await leases.regain(connection, wanted, worker, lease, batch.run_id)
        held = await leases.jobs_held(connection, wanted, worker, needed_seconds(services))
    # In a transaction of its own: nobody ever waits for texts while holding jobs.
    async with services.database.service() as connection:
        await vector_buffer.renew(connection, sorted(held), worker, lease)
