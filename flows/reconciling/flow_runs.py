"""Finds orphaned flow runs: Prefect calls them running, and nobody runs them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry, Cancelled, Crashed

from flows.prefect_clock import server_time
from flows.reconciling.client_errors import prefect_answers
from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.store.reconciling.unfinished_runs import ended_flow_runs
from pipeline.worker_identity import dead_workers
from stages.reconciling.inspection import Inspection

FLOWS = ("ingest", "backfill", "ingest-documents", "quality-report", "maintain")
JUST_TAKEN = timedelta(seconds=30)
"""Another worker may have a pending run, which has not put its own name there yet."""
MOST_STARTS = 3
"""A run that was started so often is not given to another worker."""
_HELD = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
_PAGE = 200


async def abandoned_flow_runs(look: Inspection) -> AsyncIterator[Finding]:
    """Find flow runs whose process is gone, and tell Prefect how they ended.

    Who runs one is told by the worker's name on it, else by our own run's lease; a subflow ends
    with the process of the run that it is a part of.
    """
    with prefect_answers():
        async with get_client() as client:
            held = await _held(client)
            abandoned = await _abandoned(look, client, held)
            for run in abandoned:
                mended = look.mends(Kind.FLOW_RUN_ABANDONED) and await _settle(client, run)
                yield look.finding(Kind.FLOW_RUN_ABANDONED, f"flow run {run.id}", mended=mended)


async def _held(client: PrefectClient) -> list[FlowRun]:
    """Flow runs of ours that Prefect calls under way."""
    found: list[FlowRun] = []
    while True:
        page = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(_HELD)))
            ),
            sort=FlowRunSort.START_TIME_ASC,
            limit=_PAGE,
            offset=len(found),
        )
        found += page
        if len(page) < _PAGE:
            return found


async def _abandoned(look: Inspection, client: PrefectClient, held: list[FlowRun]) -> list[FlowRun]:
    gone = set(dead_workers({run.infrastructure_pid for run in held if run.infrastructure_pid}))
    async with look.services.database.service() as connection:
        ended = {each.flow_run_id for each in
                 await ended_flow_runs(connection, [run.id for run in held])}  # fmt: skip
    time_there = await server_time(client)
    left = {
        run.id: run
        for run in held
        if (run.infrastructure_pid in gone and not _just_taken(run, time_there)) or run.id in ended
    }
    # Subflows of subflows are none of ours, so one step up is enough.
    for run in held:
        if run.id not in left and run.deployment_id is None and run.parent_task_run_id is not None:
            parent = await _parent(client, run.parent_task_run_id)
            if parent is not None and (parent.id in left or _long_over(parent, time_there)):
                left[run.id] = run
    return list(left.values())


async def _parent(client: PrefectClient, task_run: UUID) -> FlowRun | None:
    with contextlib.suppress(ObjectNotFound):  # removed, or not yet written down
        flow_run = (await client.read_task_run(task_run)).flow_run_id
        return await client.read_flow_run(flow_run) if flow_run is not None else None
    return None


def _long_over(run: FlowRun, now: datetime) -> bool:
    state = run.state
    return state is not None and state.is_final() and now - state.timestamp > 10 * JUST_TAKEN


def _just_taken(run: FlowRun, now: datetime) -> bool:
    return (
        run.state is not None
        and run.state_type == StateType.PENDING
        and now - run.state.timestamp < JUST_TAKEN
    )


async def _settle(client: PrefectClient, run: FlowRun) -> bool:
    """Tell Prefect how a run ended, unless somebody did meanwhile."""
    with contextlib.suppress(ObjectNotFound):  # deleted meanwhile
        now = await client.read_flow_run(run.id)
        if (now.state_type, now.infrastructure_pid) == (run.state_type, run.infrastructure_pid):
            await client.set_flow_run_state(run.id, _state_after(run), force=True)
            return True
    return False


def _state_after(run: FlowRun) -> State[None]:
    if run.state_type == StateType.CANCELLING:
        return Cancelled(message="Its process ended while the run was being cancelled.")
    if run.deployment_id is None or run.run_count >= MOST_STARTS:
        return Crashed(message="Its process ended without a word.")
    # Due since a time of the server's: by our clock it might be due tomorrow.
    due = run.state.timestamp if run.state else None
    message = "Its process ended; a worker goes on with the run."
    return AwaitingRetry(scheduled_time=due, message=message)
