"""Removes scheduled runs that found nothing: they would bury the others in Prefect's UI."""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterTags,
)
from prefect.runtime import flow_run

_REMOVED_AT_MOST = 20
_SCHEDULED = "auto-scheduled"  # Prefect's scheduler puts it on what it starts


async def remove_quiet_runs(flow: str, state: str, *, scheduled: bool = False) -> None:
    """Remove a flow's earlier runs that found nothing: the one that asks for it says the same.

    Args:
        state: the name of the state in which such a run ends; no other run ends in it.
        scheduled: only those that a schedule started; a person finds theirs again.
    """
    async with get_client() as client:
        quiet = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(name=FlowRunFilterStateName(any_=[state])),
                tags=FlowRunFilterTags(all_=[_SCHEDULED]) if scheduled else None,
            ),
            limit=_REMOVED_AT_MOST,
        )
        for each in quiet:
            if str(each.id) != flow_run.id:
                await client.delete_flow_run(each.id)
