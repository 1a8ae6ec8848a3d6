"""Requeues orphaned flow runs: Prefect still calls them running though their worker was killed.

A warm worker writes its own name on each run before it takes it. A later one on the same machine
can tell from the name that its writer is gone; of one on another machine the database tells that it
has not been seen for long.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Collection
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


Silent = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Of named workers those that have not been seen for long."""


async def requeue_orphaned_runs(
    client: PrefectClient, pool: str, silent: Silent | None = None
) -> int:
    """Requeue the flow runs of dead workers, whatever machine they ran on; how many there were."""
    held = await client.read_flow_runs(
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(UNDER_WAY)))
        ),
    )
    if not held:
        return 0
    names = {run.infrastructure_pid for run in held if run.infrastructure_pid}
    gone = await silent(names) if silent is not None and names else ()
    left = abandoned(held, await server_time(client), gone)
    for run in left:
        with contextlib.suppress(ObjectNotFound):  # deleted meanwhile
            await client.set_flow_run_state(run.id, state_after(run), force=True)
    return len(left)
