"""Runs flow runs in processes of their own, by the code of Prefect's own process worker.

For what the worker's process cannot give a run: an environment, a working folder or a command of
its own, or a flow that is not installed here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from prefect.states import AwaitingRetry
from prefect.workers.process import ProcessWorker

from app.worker.engine import Interruption
from pipeline.child_processes import child_environment

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, State

    from app.worker.configuration import WarmConfiguration


class ChildRuns:
    """The children of one worker.

    Attributes:
        allowed: by the operator: a child runs whatever its deployment says.
    """

    def __init__(self, *, allowed: bool) -> None:
        self.allowed = allowed
        self._tasks: dict[UUID, asyncio.Task[int]] = {}

    @property
    def under_way(self) -> set[UUID]:
        """The flow runs that have a child."""
        return set(self._tasks)

    @property
    def tasks(self) -> list[asyncio.Task[Any]]:
        """What ends with the children."""
        return list(self._tasks.values())

    async def run(self, flow_run: FlowRun, configuration: WarmConfiguration) -> int:
        """Run the flow run to its end; the exit code of its process."""
        found = child_environment(cast("dict[str, str]", configuration.env))
        configuration.env |= {"PYTHONPATH": found["PYTHONPATH"]} if "PYTHONPATH" in found else {}
        # A task of its own, so that it can be ended without the worker's.
        task = self._tasks[flow_run.id] = asyncio.create_task(_in_process(flow_run, configuration))
        try:
            await asyncio.wait([task])
        finally:
            del self._tasks[flow_run.id]
        return 1 if task.cancelled() else task.result()

    def stop(self) -> None:
        """End every child."""
        for task in self._tasks.values():
            task.cancel()

    async def requeue(self, flow_run_id: UUID, client: PrefectClient) -> None:
        """Put a run whose child was ended back into the queue, unless it had ended before."""
        state = (await client.read_flow_run(flow_run_id)).state
        if state is not None and (state.is_completed() or state.is_failed()):
            return
        message = f"Interrupted: {Interruption.STOPPED.value}."
        waits: State[Any] = AwaitingRetry(
            scheduled_time=state.timestamp if state else None, message=message
        )
        await client.set_flow_run_state(flow_run_id, waits, force=True)


async def _in_process(flow_run: FlowRun, configuration: WarmConfiguration) -> int:
    # The method asks nothing of its worker.
    run = ProcessWorker.run
    return int((await run(cast("ProcessWorker", None), flow_run, configuration)).status_code)
