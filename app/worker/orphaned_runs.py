"""Requeues orphaned flow runs: Prefect still calls them running though their worker was killed.

A warm worker writes its own name on each run before it takes it. A later one on the same machine
can tell from the name that its writer is gone.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.exceptions import ObjectNotFound

from deployments.prefect_clock import server_time
from flows.abandoned_runs import UNDER_WAY, abandoned, state_after

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


async def requeue_orphaned_runs(client: PrefectClient, pool: str) -> int:
    """Requeue the flow runs of dead workers; how many there were."""
    held = await client.read_flow_runs(
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(UNDER_WAY)))
        ),
    )
    left = abandoned(held, await server_time(client)) if held else []
    for run in left:
        with contextlib.suppress(ObjectNotFound):  # deleted meanwhile
            await client.set_flow_run_state(run.id, state_after(run), force=True)
    return len(left)
