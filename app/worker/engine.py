"""Runs Prefect's engine for a flow run inside a process that is not the run's own.

In a process of its own a run is ended by a signal; here by cancelling its task. Prefect takes that
for a crash, so the engine is told why its task was cancelled and reports that instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import anyio
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.flow_engine import AsyncFlowRunEngine
from prefect.states import AwaitingRetry, Cancelled
from prefect.utilities.callables import get_call_parameters

from flows.origin import served

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import State


class Interruption(Enum):
    """Why a run's task was cancelled from outside."""

    CANCELLED = "a person cancelled the run"
    STOPPED = "the worker stops; another one, or its successor, goes on with the run"


@dataclass
class Attempt:
    """One run of a flow in this process; `interruption` is set before its task is cancelled."""

    interruption: Interruption | None = None


@dataclass
class WarmEngine(AsyncFlowRunEngine[Any, Any]):
    """Prefect's engine in a shared process; it knows why it is interrupted."""

    attempt: Attempt | None = None

    async def handle_crash(self, exc: BaseException) -> None:
        """Report what the interruption was: cancelled, to go on elsewhere, or indeed a crash."""
        match self.attempt.interruption if self.attempt else None:
            case Interruption.CANCELLED:
                with anyio.CancelScope(shield=True):
                    await self._cancel_subflows()
                    await self.handle_cancellation(exc)
            case Interruption.STOPPED:
                assert self.flow_run is not None
                # Shielded, or the report itself would be cancelled.
                with anyio.CancelScope(shield=True):
                    message = f"Interrupted: {Interruption.STOPPED.value}."
                    # Due since a time of the server's: by our clock it might be due tomorrow.
                    due = self.flow_run.state.timestamp if self.flow_run.state else None
                    waits: State[Any] = AwaitingRetry(scheduled_time=due, message=message)
                    await self.set_state(waits, force=True)
            case None:
                await super().handle_crash(exc)

    async def _cancel_subflows(self) -> None:
        """Subflows run in Prefect's own engine, which took their cancellation for a crash."""
        assert self.flow_run is not None
        crashed = await self.client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[self.flow_run.id]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
            )
        )
        for run in crashed:
            message = "Cancelled with the run that it belongs to."
            await self.client.set_flow_run_state(run.id, Cancelled(message=message), force=True)


async def run_to_end(flow: Flow[..., Any], flow_run: FlowRun, attempt: Attempt) -> None:
    """Run an existing flow run to its end; its outcome is reported to the server, not returned.

    Raises:
        BaseException: whatever ended it otherwise than by a state: Abort, CancelledError.
    """
    parameters = get_call_parameters(flow.fn, (), flow_run.parameters)
    engine = WarmEngine(flow=flow, parameters=parameters, flow_run=flow_run, attempt=attempt)
    with served():
        async with engine.start():
            while engine.is_running():
                async with engine.run_context():
                    # Awaited twice over in Prefect's annotations.
                    await engine.call_flow_fn()  # type: ignore[unused-coroutine]
