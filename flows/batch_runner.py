"""Runs a run's batches, a few at a time (backpressure), while its files may still be coming in.

The run owns its jobs meanwhile. What another living run has is waited for, and taken up if that
run ends without having finished it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from contextvars import copy_context
from types import TracebackType
from typing import Self
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger

from flows.artifact_writes import shown
from flows.batch_execution import run_batch
from flows.batch_slots import BatchSlots
from flows.batches import PlannedBatch, are_single, in_order, next_batch
from flows.cancellation import was_cancelled
from flows.origin import is_followed_in_the_ui
from flows.prefect_errors import prefect_trouble
from pipeline.errors import NavigatorError, RunPaused, RunStopped, TransientError
from pipeline.retry_policy import RESUMPTIONS
from pipeline.run_options import RunOptions
from pipeline.store import backfills, job_owners, run_jobs, runs, service_waits
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.job_owners import Elsewhere
from pipeline.store.run_jobs import WaitingJob
from pipeline.store.transitions import Actor
from stages.pipeline_version import services_for_version
from stages.run_lease import run_lease, stop_run
from stages.services import Services

_LOOK_SECONDS = 1.0


class BatchRunner:
    """Runs the batches of one run; leaving the block early cancels them and releases their claims.

    Attributes:
        troubles: what went wrong, without the other batches suffering.
    """

    def __init__(
        self, parts: Services, run: UUID, options: RunOptions, *, pausable: bool = False
    ) -> None:
        self.parts, self.run = parts, run
        self._pausable = pausable
        self._owning = AsyncExitStack()
        self.troubles: list[BaseException] = []
        self._options = options
        self._context = copy_context()
        self._slots = BatchSlots(parts.settings)
        self._tasks: list[asyncio.Task[None]] = []
        self._taken: set[UUID] = set()
        self._resumed: Counter[UUID] = Counter()
        self._line: Sequence[WaitingJob] = []
        self._turn: asyncio.Task[None] | None = None
        self._more_to_come, self._alone = True, False
        self._followed = is_followed_in_the_ui()
        self._coming = self._done = 0
        self._bar: asyncio.Task[UUID | None] | None = None

    async def __aenter__(self) -> Self:
        await self._owning.enter_async_context(run_lease(self.parts, self.run))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        left = [*self._tasks, *([self._bar] if self._bar is not None else [])]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        if error is not None:
            await self._left(error)
        await self._owning.aclose()

    async def _left(self, error: BaseException) -> None:
        """Write down why the run ended early; what a person cancelled waits for a person."""
        with suppress(TransientError):  # a later look at dead runs does it
            cancelled = isinstance(error, asyncio.CancelledError) and await was_cancelled()
            if cancelled:
                await stop_run(self.parts, self.run, None)
            elif not isinstance(error, Exception):
                return  # a worker that stops: its successor goes on with this run
            async with self.parts.database.service() as connection:
                await runs.finish_run(connection, self.run, _why(error, cancelled=cancelled))

    @property
    def has_worked(self) -> bool:
        """Whether there was anything to do."""
        return bool(self._tasks)

    async def begin_full(self, coming: int) -> None:
        """Begin what fills whole batches; the rest waits for more.

        Args:
            coming: files that are still to be registered.
        """
        self._coming = coming
        # In the flow's context: whoever calls is a task of it, and would become the parent.
        await asyncio.create_task(self._begin_full(), context=self._context.copy())

    async def _begin_full(self) -> None:
        await self._slots.look()
        waiting = await self._waiting()
        if len(self._line) + len(waiting) >= self._size(len(waiting)):
            await self._begin(waiting)

    def _size(self, more: int = 0) -> int:
        """Documents of the next batch.

        Args:
            more: that wait, besides those that are in line and those that are coming.
        """
        left = len(self._line) + self._coming + more
        return self.parts.settings.batch_size or self._slots.size(left)

    async def finish(self) -> list[BaseException]:
        """Begin what is left, what is found inside it, and what others give up.

        From then on the run owns nothing more: what a cap or a quota stopped waits for a person.

        Returns:
            What went wrong.
        """
        await self.work_off()
        if stop := self.stop:
            await stop_run(self.parts, self.run, stop)
        await self._owning.aclose()
        return self.troubles

    async def work_off(self) -> None:
        """Begin what is left, what is found inside it, and what others give up, to its end."""
        self._coming, self._more_to_come = 0, False
        while await self._finish_own() or await self._finish_others():
            pass

    @property
    def stop(self) -> RunStopped | None:
        """What stopped the run, if something did."""
        return next((each for each in self.troubles if isinstance(each, RunStopped)), None)

    async def _is_stopped(self) -> bool:
        """Whether no further batch is to begin: a person may have paused the run meanwhile."""
        if self._pausable and self.stop is None:
            try:
                await self._require_going()
            except RunPaused as paused:
                self.troubles.append(paused)
        return self.stop is not None

    @retry_on_restart
    async def _require_going(self) -> None:
        async with self.parts.database.service() as connection:
            await backfills.require_going(connection, self.run)

    async def _finish_own(self) -> bool:
        """Work off what waits or is under way; whether there was something.

        A batch under way may yet find documents inside its own.
        """
        under_way = any(not task.done() for task in self._tasks)
        waiting = await self._waiting()
        single = are_single(len(waiting), followed=self._followed)
        await self._begin(waiting, alone=single and not self._taken)
        # While they end, others begin for what had waited for a service.
        while running := [task for task in self._tasks if not task.done()]:
            await asyncio.gather(*running)
        return under_way or bool(waiting)

    async def _resume(self) -> None:
        """Begin what waited for a service that answers again."""
        async with self.parts.database.service() as connection:
            answered = await service_waits.resumable(connection, self.run)
        again = {job for job in answered & self._taken if self._resumed[job] < RESUMPTIONS}
        if again and self.stop is None:
            self._resumed.update(again)
            self._taken -= again
            waiting = [job for job in await self._waiting() if job.job_id in again]
            await self._begin(waiting)

    async def _finish_others(self) -> bool:
        """Wait for what others have of this run; whether some of it is for this run to finish."""
        told: set[UUID | None] = set()
        while not await self._is_stopped():
            elsewhere, adopted = await self._look_elsewhere()
            if adopted or not elsewhere:
                return bool(adopted)
            for each in elsewhere:
                if each.owner not in told:
                    get_run_logger().info("waiting for %s", each)
                told.add(each.owner)
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    @retry_on_restart
    async def _look_elsewhere(self) -> tuple[list[Elsewhere], set[UUID]]:
        """What others have of this run, and what of it is the run's own from now on."""
        async with self.parts.database.service() as connection:
            await job_owners.release_jobs(connection, self.run)
        async with self.parts.database.service() as connection:
            elsewhere = await job_owners.held_elsewhere(connection, self.run)
            who = Actor(self.parts.worker, self.run)
            adopted = await job_owners.adopt_orphaned_jobs(connection, who, self._taken)
        return elsewhere, adopted

    @retry_on_restart
    async def _waiting(self) -> list[WaitingJob]:
        async with self.parts.database.service() as connection:
            waiting = await run_jobs.waiting_jobs(connection, self.run)
        return [
            job for job in waiting
            if job.job_id not in self._taken
            and services_for_version(self.parts, job.version) is not None
        ]  # fmt: skip

    async def _begin(self, jobs: Sequence[WaitingJob], *, alone: bool = False) -> None:
        """Put jobs in line, from which batches are cut as slots become free.

        Args:
            alone: each document has a batch of its own, unless a size was asked for.
        """
        if jobs and self._bar is None:
            self._bar = asyncio.create_task(_progress_bar())
        self._taken.update(job.job_id for job in jobs)
        self._line, self._alone = in_order([*self._line, *jobs]), alone
        if self._line and (self._turn is None or self._turn.done()):
            self._turn = asyncio.create_task(self._in_turn())
            self._tasks.append(self._turn)

    async def _in_turn(self) -> None:
        """Cut a batch whenever a slot is free: from a full line while more may come to fill it."""
        while self._line:
            await self._slots.take()
            size = 1 if self._alone and self.parts.settings.batch_size is None else self._size()
            if await self._is_stopped() or (self._more_to_come and len(self._line) < size):
                self._slots.give_back()
                return
            batch, self._line = next_batch(self._line, size)
            self._tasks.append(asyncio.create_task(self._one(batch)))

    async def _one(self, batch: PlannedBatch) -> None:
        try:
            await run_batch(self.parts, self.run, batch, self._options)
        except NavigatorError as error:
            self.troubles.append(error)
        except Exception as error:  # a bug, or Prefect gone: the other batches go on
            get_run_logger().exception("the batch %s was not finished", batch.label)
            self.troubles.append(prefect_trouble(error) or error)
        finally:
            self._slots.give_back()
        if self.troubles:
            await self._resume()
        self._done += len(batch.job_ids)
        total = len(self._taken) + self._coming
        if self._bar is not None and (bar := await self._bar) is not None:
            await shown(aupdate_progress_artifact(bar, 100.0 * self._done / total))


async def _progress_bar() -> UUID | None:
    return await shown(
        acreate_progress_artifact(0.0, key="progress", description="Documents worked on")
    )


def _why(error: BaseException, *, cancelled: bool) -> str:
    if cancelled:
        return "A person cancelled the run."
    return error.message if isinstance(error, NavigatorError) else f"({type(error).__name__})"
