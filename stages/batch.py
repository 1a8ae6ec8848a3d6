"""A batch of jobs that this process has claimed while it takes them through the stages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from pipeline import correlation, tracing
from pipeline.concurrency import batch_priority
from pipeline.documents import Claim
from pipeline.errors import NavigatorError, RunStopped, TransientError
from pipeline.failpoints import failpoint
from pipeline.logs import logger
from pipeline.states import JobState, Stop
from pipeline.store import claims, stops, vector_buffer
from pipeline.store.claims import ClaimedJob
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.transitions import Actor, Move, move
from stages.heartbeat import renewing
from stages.services import Services

_LOG = logger("navigator.batch")

_here: Counter[UUID] = Counter()
"""How many batches of this process are about each job: a connection that is lost at the wrong
moment leaves this worker's name on a job that nothing here holds."""

_CLAIM_SECONDS = 5.0
"""What a cancelled run gives the database for the answer to a claim."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A claimed batch, as ids and tokens only: small enough to be a task's argument."""

    run_id: UUID
    claims: tuple[Claim, ...]

    @property
    def job_ids(self) -> list[UUID]:
        """The jobs, in the batch's order."""
        return [claim.job_id for claim in self.claims]


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage came to, in documents."""

    advanced: int = 0
    failed: int = 0

    def __add__(self, other: StageResult) -> StageResult:
        return StageResult(self.advanced + other.advanced, self.failed + other.failed)


@asynccontextmanager
async def claim_batch(
    services: Services, job_ids: Sequence[UUID], run_id: UUID
) -> AsyncIterator[Batch]:
    """Claim what is free of these jobs, keep the leases alive, and release the unfinished.

    Jobs that are held elsewhere, ended, were stopped, or belong to another pipeline version are
    left out.
    """
    with _working_on(job_ids):
        held = await _claim_or_give_back(services, job_ids, run_id)
        failpoint("after-claim-commit")
        batch = Batch(run_id, tuple(job.claim for job in held))
        if not held:
            yield batch
            return
        with (
            correlation.bound(job.correlation_id for job in held),
            batch_priority(len(held)),
            tracing.span("work on documents", run=str(run_id)),
        ):
            async with _alive(services, batch):
                yield batch


@contextmanager
def _working_on(job_ids: Sequence[UUID]) -> Iterator[None]:
    _here.update(job_ids)
    try:
        yield
    finally:
        for job in job_ids:
            _here[job] -= 1
            if not _here[job]:
                del _here[job]


async def _claim_or_give_back(
    services: Services, job_ids: Sequence[UUID], run_id: UUID
) -> list[ClaimedJob]:
    """Claim the jobs; a run that is cancelled meanwhile gives back what it has just claimed.

    The claim may be committed before its answer is here: nobody would know of it until the lease
    runs out.
    """
    claiming = asyncio.ensure_future(_claim(services, job_ids, run_id))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        await asyncio.wait([claiming], timeout=_CLAIM_SECONDS)
        if claiming.cancel():
            raise  # the database does not answer
        if not claiming.exception() and (held := claiming.result()):
            with suppress(TransientError):
                await _release(services, Batch(run_id, tuple(job.claim for job in held)))
        raise


@retry_on_restart
async def _claim(services: Services, job_ids: Sequence[UUID], run_id: UUID) -> list[ClaimedJob]:
    lease = services.settings.lease_seconds
    unheard = [job for job in job_ids if _here[job] == 1]  # this batch itself
    async with services.database.service() as connection:
        return await claims.claim(
            connection, job_ids, services.version, services.worker, lease, run_id, unheard
        )


@asynccontextmanager
async def _alive(services: Services, batch: Batch) -> AsyncIterator[None]:
    """Keep the leases alive meanwhile, and give back the unfinished."""
    _LOG.info("batch_claimed", run_id=str(batch.run_id), jobs=len(batch.claims))
    lease = services.settings.lease_seconds
    try:
        async with renewing(lease, partial(_renew, services, batch, lease)):
            yield
    finally:
        # When the database is gone the lease runs out by itself.
        with suppress(TransientError):
            await _release(services, batch)
        _LOG.info("batch_released", run_id=str(batch.run_id), jobs=len(batch.claims))


@retry_on_restart
async def _release(services: Services, batch: Batch) -> None:
    async with services.database.service() as connection:
        await claims.release(connection, batch.claims, services.worker)


@retry_on_restart
async def _renew(services: Services, batch: Batch, lease: float) -> None:
    async with services.database.service() as connection:
        await claims.renew(connection, batch.claims, services.worker, lease)
        await vector_buffer.renew(connection, batch.job_ids, services.worker, lease)


@retry_on_restart
async def jobs_at(services: Services, batch: Batch, *states: JobState) -> list[ClaimedJob]:
    """The jobs of the batch that are still ours and stand at one of these states."""
    async with services.database.service() as connection:
        return await claims.held(connection, batch.claims, services.worker, states)


def actor(services: Services, batch: Batch) -> Actor:
    """In whose name the stages write."""
    return Actor(services.worker, batch.run_id)


def failure(job: ClaimedJob, target: JobState, error: NavigatorError, stage: str) -> Move:
    """The move of a job that ends here, with its reason."""
    return Move(job.job_id, job.attempt, job.state, target, error=error, details={"stage": stage})


async def make_moves(services: Services, batch: Batch, moves: Iterable[Move]) -> StageResult:
    """Write moves that have no other effect; those of lost jobs are dropped."""
    listed = list(moves)
    async with services.database.service(repeatable=True) as connection:
        moved = await move(connection, listed, actor(services, batch))
    failed = {each.job_id for each in listed if each.error is not None} & moved
    return StageResult(len(moved) - len(failed), len(failed))


async def stop_batch(services: Services, batch: Batch, reason: RunStopped | None) -> None:
    """Have the batch's unfinished jobs wait for a person.

    Args:
        reason: what stopped them; None when a person did.
    """
    stop = Stop.PERSON if reason is None else stops.stop_of(reason)
    message = "A person cancelled the run." if reason is None else reason.message
    _LOG.warning("batch_stopped", run_id=str(batch.run_id), code=stop.value, reason=message)
    with suppress(TransientError):
        async with services.database.service() as connection:
            await stops.stop_claimed(
                connection, batch.claims, stop, actor(services, batch), message
            )


async def note_trouble(services: Services, batch: Batch, error: NavigatorError) -> None:
    """Write down why the unfinished jobs of the batch wait; they keep their state.

    However often: what a service, the database or the storage does is no document's fault.
    """
    _LOG.warning("batch_deferred", run_id=str(batch.run_id), code=error.code, reason=error.message)
    with suppress(TransientError):
        async with services.database.service() as connection:
            await claims.note_trouble(connection, batch.claims, services.worker, error)
