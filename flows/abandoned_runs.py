"""Finds flow runs under way that nobody runs any more, and decides their next state.

They are found by every worker at its heartbeat, and by `maintain`. Left alone, each would hold a
slot of its deployment for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import AwaitingRetry, Cancelled, Crashed

from pipeline.retry_policy import RUN_STARTS
from pipeline.worker_identity import dead_workers

UNDER_WAY = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
JUST_TAKEN = timedelta(seconds=30)
"""Another worker may have a pending run, which has not put its own name there yet."""
NAMELESS = timedelta(minutes=5)
"""A pending run on which no worker has put its name by then has none: it died as it took it."""


def abandoned(
    runs: Iterable[FlowRun], now: datetime, silent: Collection[str] = ()
) -> list[FlowRun]:
    """Those of the runs whose worker is gone.

    Args:
        now: by the server's clock.
        silent: workers of any machine that have not been seen for long, as the database says; of
            another machine's workers nothing else is known.
    """
    listed = list(runs)
    dead = set(dead_workers({run.infrastructure_pid for run in listed if run.infrastructure_pid}))
    dead |= set(silent)
    return [run for run in listed if _is_abandoned(run, dead, now)]


def _is_abandoned(run: FlowRun, dead: set[str], now: datetime) -> bool:
    pending = None
    if run.state is not None and run.state_type == StateType.PENDING:
        pending = now - run.state.timestamp
    if run.infrastructure_pid is None:
        return run.deployment_id is not None and pending is not None and pending > NAMELESS
    return run.infrastructure_pid in dead and (pending is None or pending > JUST_TAKEN)


def state_after(run: FlowRun) -> State[Any]:
    """What the run is called from now on: cancelled, crashed, or due at once for another worker."""
    if run.state_type == StateType.CANCELLING:
        return Cancelled(message="Its process ended while the run was being cancelled.")
    if run.deployment_id is None or run.run_count >= RUN_STARTS:
        return Crashed(message=f"Its process ended without a word, at start {run.run_count}.")
    # Due since a time of the server's: by our clock it might be due tomorrow.
    due = run.state.timestamp if run.state else None
    message = "Its process ended; another worker goes on with the run."
    return AwaitingRetry(scheduled_time=due, message=message)
