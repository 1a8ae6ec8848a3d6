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
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from deployments.prefect_answers import prefect_answers
from deployments.prefect_clock import server_time
from deployments.prefect_runs import every_flow_run
from flows.abandoned_runs import UNDER_WAY, abandoned, state_after
from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.store.reconciling.unfinished_runs import ended_flow_runs
from stages.reconciling.inspection import Inspection

FLOWS = (
    "ingest", "backfill", "ingest-documents", "quality-report", "maintain", "drift", "verify",
    "sync-source", "build-space", "check-spaces", "watch",
)  # fmt: skip
"""Every flow of ours."""
_LONG_OVER = timedelta(minutes=5)
"""By then a run that has ended has told of its subflows."""


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
    return await every_flow_run(
        client,
        FlowRunSort.START_TIME_ASC,
        flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(UNDER_WAY)))
        ),
    )


async def _abandoned(look: Inspection, client: PrefectClient, held: list[FlowRun]) -> list[FlowRun]:
    async with look.services.database.service() as connection:
        ended = {each.flow_run_id for each in
                 await ended_flow_runs(connection, [run.id for run in held])}  # fmt: skip
    time_there = await server_time(client)
    left = {run.id: run for run in abandoned(held, time_there)}
    left |= {run.id: run for run in held if run.id in ended}
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
    return state is not None and state.is_final() and now - state.timestamp > _LONG_OVER


async def _settle(client: PrefectClient, run: FlowRun) -> bool:
    """Tell Prefect how a run ended, unless somebody did meanwhile."""
    with contextlib.suppress(ObjectNotFound):  # deleted meanwhile
        now = await client.read_flow_run(run.id)
        if (now.state_type, now.infrastructure_pid) == (run.state_type, run.infrastructure_pid):
            await client.set_flow_run_state(run.id, state_after(run), force=True)
            return True
    return False
