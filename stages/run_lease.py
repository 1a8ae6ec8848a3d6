"""Holds a run's lease on its jobs, renewed beside the work while the run lives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from uuid import UUID

from pipeline.errors import CostCapReached, RunPaused, RunStopped, TransientError
from pipeline.incident_causes import WORKERS
from pipeline.machine_answers import MachineAnswer
from pipeline.states import Stop
from pipeline.store import backfills, job_owners, runs, stops
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.dead_runs import DeadRun
from pipeline.store.transitions import Actor
from stages.alerts.answering import note_answer
from stages.heartbeat import renewing
from stages.services import Services

_CAPPED = "Its process ended, and only a person may go on with a backfill that has a cost cap."
_SILENT = "Its process ended, or fell silent; a later run goes on with its documents."


@asynccontextmanager
async def run_lease(services: Services, run_id: UUID) -> AsyncIterator[None]:
    """Hold the run's lease on its jobs for this block: no sweep and no other run takes them."""
    lease = services.settings.lease_seconds
    await _hold(services, run_id, lease)
    try:
        async with renewing(lease, partial(_renew, services, run_id, lease)):
            yield
    finally:
        # When the database is gone the lease runs out by itself.
        with suppress(TransientError):
            async with services.database.service() as connection:
                await job_owners.release_run_lease(connection, run_id, services.worker)


@retry_on_restart
async def _hold(services: Services, run_id: UUID, lease: float) -> None:
    async with services.database.service() as connection:
        await job_owners.acquire_run_lease(connection, run_id, services.worker, lease)


@retry_on_restart
async def _renew(services: Services, run_id: UUID, lease: float) -> None:
    async with services.database.service() as connection:
        if not await job_owners.renew_run_lease(connection, run_id, services.worker, lease):
            # It slept past its lease; what nobody has taken meanwhile is still its own.
            await job_owners.acquire_run_lease(connection, run_id, services.worker, lease)


@retry_on_restart
async def record_dead_run(services: Services, run: DeadRun, *, cancelled: bool) -> None:
    """Record how a dead run ended; its jobs are free, or wait for a person.

    Args:
        cancelled: a person cancelled it before it died.
    """
    why = "A person cancelled the run." if cancelled else _SILENT
    if run.paused:
        why = backfills.PAUSED
        await stop_run(services, run.run_id, RunPaused(why))
    elif cancelled:
        await stop_run(services, run.run_id, None)
    elif run.capped:  # a sweep would finish it without its cap
        why = _CAPPED
        await stop_run(services, run.run_id, CostCapReached(why))
    async with services.database.service() as connection:
        await runs.finish_run(connection, run.run_id, why)
    if why == _SILENT:
        said = "The documents of a run whose process ended or fell silent are free for the next."
        await note_answer(services.database, MachineAnswer.REQUEUE, WORKERS, said)


@retry_on_restart
async def stop_run(services: Services, run_id: UUID, reason: RunStopped | None) -> int:
    """Stop the unfinished jobs that the run owns until a person resumes them; how many.

    Args:
        reason: what stopped it; None when a person did.
    """
    stop = Stop.PERSON if reason is None else stops.stop_of(reason)
    message = "A person stopped the run." if reason is None else reason.message
    async with services.database.service() as connection:
        who = Actor(services.worker, run_id)
        return await stops.stop_run(connection, stop, who, message)
