"""Polls a work pool as any Prefect worker does, and runs flow runs as tasks in this process.

A process worker starts an interpreter for each run and imports everything again: ten seconds and
more on a small machine. Here flows, quality gate and services are loaded once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio.abc
from prefect.exceptions import Abort, ObjectNotFound, Pause, TerminationSignal
from prefect.workers.base import BaseWorker, BaseWorkerResult
from prefect.workers.process import ProcessWorker

from app.worker.child_runs import ChildRuns
from app.worker.configuration import WarmConfiguration, WarmVariables, warm_flow
from app.worker.engine import Attempt, Interruption, run_to_end
from app.worker.orphaned_runs import Silent, requeue_orphaned_runs
from app.worker.run_places import RunPlaces
from deployments.prefect_clock import ServerClock
from pipeline.worker_identity import worker_name

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import WorkerFlowRunResponse

STOP_SECONDS = 25.0
"""How long runs may take to give back their claims when the worker stops."""
_SIGN_OFF_SECONDS = 5.0


class WarmWorker(BaseWorker[WarmConfiguration, WarmVariables, BaseWorkerResult]):
    """Serves a process pool, beside or instead of Prefect's own process workers."""

    # Of the same type as the pool, so that both kinds of worker may serve one pool: how a worker
    # makes a process out of a run is its own affair.
    type = ProcessWorker.type
    job_configuration = WarmConfiguration
    job_configuration_variables = WarmVariables

    def __init__(self, *given: Any, **named: Any) -> None:
        self._places: RunPlaces | None = named.pop("places", None)
        self._silent: Silent | None = named.pop("silent", None)
        self._requeued: Callable[[int], Awaitable[None]] | None = named.pop("requeued", None)
        self._children = ChildRuns(allowed=named.pop("child_runs", False))
        super().__init__(*given, **named)
        self._attempts: dict[UUID, tuple[asyncio.Task[None], Attempt]] = {}
        self._stopping = False
        self._clock = ServerClock()

    @classmethod
    def __dispatch_key__(cls) -> str:
        # Prefect's registry keeps its own worker under the type.
        return "navigator-warm"

    async def run(
        self,
        flow_run: FlowRun,
        configuration: WarmConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> BaseWorkerResult:
        """Run the flow run to its end.

        The run is reported as started only when it has ended: until then Prefect's base keeps
        listening for its cancellation, and does not take it a second time.
        """
        flow = warm_flow(configuration, child_runs=self._children.allowed)
        if flow is None:
            return await self._in_child(flow_run, configuration, task_status)
        attempt = Attempt()
        # A task of its own, because anyio cancels again and again what is in its groups, and
        # would not let a run give back its claims.
        task = asyncio.create_task(run_to_end(flow, flow_run, attempt))
        self._attempts[flow_run.id] = task, attempt
        try:
            if self._stopping:
                self._interrupt(flow_run.id, Interruption.STOPPED)
            await asyncio.wait([task])
        finally:
            del self._attempts[flow_run.id]
        _raise_what_was_not_reported(task)
        if task_status is not None:
            task_status.started(os.getpid())
        return BaseWorkerResult(identifier=worker_name(), status_code=0)

    async def _in_child(
        self,
        flow_run: FlowRun,
        configuration: WarmConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None,
    ) -> BaseWorkerResult:
        """Run the flow run as Prefect's own worker does, with this worker's name kept on it."""
        status_code = await self._children.run(flow_run, configuration)
        if self._stopping:
            await self._children.requeue(flow_run.id, self.client)
            status_code = 0
        if task_status is not None:
            task_status.started(os.getpid())
        return BaseWorkerResult(identifier=worker_name(), status_code=status_code)

    async def sync_with_backend(self) -> None:
        """Say that we live, and take over from those that do not."""
        await super().sync_with_backend()
        if count := await requeue_orphaned_runs(self.client, self._work_pool_name, self._silent):
            self._logger.warning("%d runs of workers that were killed were settled.", count)
            if self._requeued is not None:
                await self._requeued(count)

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Take what is due, unless the worker stops."""
        return [] if self._stopping else await super().get_and_submit_flow_runs()

    async def _get_scheduled_flow_runs(self) -> list[WorkerFlowRunResponse]:
        """What is due and has a place here."""
        due = await self._due()
        if self._places is None:
            return due
        return self._places.within(due, self._submitting_flow_run_ids)

    async def _due(self) -> list[WorkerFlowRunResponse]:
        """What is due by the server's clock.

        Prefect's base asks for what is due by the worker's own: nothing until tomorrow, or what
        is due tomorrow already.
        """
        due = await self._clock.now(self.client) + timedelta(seconds=self._prefetch_seconds)
        try:
            return await self.client.get_scheduled_flow_runs_for_work_pool(
                work_pool_name=self._work_pool_name,
                work_queue_names=list(self._work_queues),
                scheduled_before=due,
            )
        except ObjectNotFound:  # the pool, which is made at the next heartbeat
            return []

    async def _propose_pending_state(self, flow_run: FlowRun) -> bool:
        """Take a run, with this worker's name on it: who finds it pending can tell who had it.

        Before, because a worker may be killed at any moment; and after, because another worker
        may have put its own name there, and lost.
        """
        try:
            await self._put_name_on(flow_run)
            if taken := await super()._propose_pending_state(flow_run):
                await self._put_name_on(flow_run)
        except ObjectNotFound:  # deleted meanwhile
            return False
        return taken

    async def _put_name_on(self, flow_run: FlowRun) -> None:
        await self.client.update_flow_run(flow_run.id, infrastructure_pid=worker_name())

    async def _cancel_run(self, flow_run_id: UUID) -> None:
        if flow_run_id in self._children.under_way:
            return  # what watches over the child ends it
        if flow_run_id in self._attempts:
            self._interrupt(flow_run_id, Interruption.CANCELLED)
        else:
            await super()._cancel_run(flow_run_id)

    def _interrupt(self, flow_run_id: UUID, why: Interruption) -> None:
        task, attempt = self._attempts[flow_run_id]
        if attempt.interruption is None:
            attempt.interruption = why
            task.cancel()

    async def stop(self) -> None:
        """Take no more, and wait until the runs have given back their claims.

        Their state goes back to the queue, from which another worker takes them.
        """
        self._stopping = True
        for flow_run_id in list(self._attempts):
            self._interrupt(flow_run_id, Interruption.STOPPED)
        self._children.stop()
        tasks = [task for task, _ in self._attempts.values()] + self._children.tasks
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        await self._sign_off()

    async def _sign_off(self) -> None:
        """Have the server forget this worker, which it would count as living for a while."""
        with suppress(Exception):  # then its heartbeats stay away
            async with asyncio.timeout(_SIGN_OFF_SECONDS):
                await self.client.request(
                    "DELETE",
                    "/work_pools/{work_pool_name}/workers/{name}",
                    path_params={"work_pool_name": self._work_pool_name, "name": self.name},
                )


def _raise_what_was_not_reported(task: asyncio.Task[None]) -> None:
    """Raise an error from before the engine's care; Prefect's base reports the run as crashed."""
    if task.cancelled():
        return
    error = task.exception()
    # These two say that the server wants the run left alone; a termination was our own doing.
    if error is not None and not isinstance(error, (Abort, Pause, TerminationSignal)):
        raise error
