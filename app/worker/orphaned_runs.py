"""Ends orphaned flow runs: Prefect still calls them running though their worker was killed.

A warm worker writes its own name on each run it takes. A later one on the same machine can tell
from the name that its writer is gone.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry, Cancelled, Crashed

from flows.prefect_clock import server_time
from pipeline.worker_identity import dead_workers

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, State

MOST_STARTS = 3
"""A run that has taken its worker down so often is not given to another."""

PENDING_TIME = timedelta(seconds=30)


async def requeue_orphaned_runs(client: PrefectClient, pool: str) -> int:
    """Put the runs of dead workers back into the queue; how many there were.

    A run that was being cancelled is called cancelled, and one that was started `MOST_STARTS`
    times is called crashed: it may be what kills the workers.
    """
    held = await client.read_flow_runs(
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(
                type=FlowRunFilterStateType(
                    any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
                )
            )
        ),
    )
    dead = set(dead_workers({run.infrastructure_pid for run in held if run.infrastructure_pid}))
    left = [run for run in held if run.infrastructure_pid in dead]
    if left:
        now = await server_time(client)
        left = [run for run in left if not _just_taken(run, now)]
    for run in left:
        with contextlib.suppress(ObjectNotFound):  # deleted meanwhile
            await client.set_flow_run_state(run.id, _state_after(run), force=True)
    return len(left)


def _just_taken(run: FlowRun, now: datetime) -> bool:
    """Whether another worker may have it, which has not put its own name there yet."""
    if run.state is None or run.state_type != StateType.PENDING:
        return False
    return now - run.state.timestamp < PENDING_TIME


def _state_after(run: FlowRun) -> State[None]:
    if run.state_type == StateType.CANCELLING:
        return Cancelled(message="Its worker ended while the run was being cancelled.")
    if run.run_count >= MOST_STARTS:
        return Crashed(message=f"Its worker was killed, at start number {run.run_count}.")
    # Due since a time of the server's: by our clock it might be due tomorrow.
    due = run.state.timestamp if run.state else None
    message = "Its worker was killed; another goes on with the run."
    return AwaitingRetry(scheduled_time=due, message=message)
