"""Cancels queued flow runs whose documents are gone: each would take a slot to find nothing."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from deployments.prefect_runs import every_flow_run

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

_MESSAGE = "Its documents were deleted."


async def cancel_queued_runs(client: PrefectClient, deployment: str, jobs: Collection[UUID]) -> int:
    """Cancel the queued runs of a deployment that are over these jobs alone; how many there were.

    Args:
        deployment: flow and name, with a slash between.
    """
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Cancelled

    gone = {str(job) for job in jobs}
    queued = [run for run in await _queued(client, deployment) if _is_over(run, gone)]
    for run in queued:
        with suppress(ObjectNotFound):  # ended and deleted meanwhile
            await client.set_flow_run_state(run.id, Cancelled(message=_MESSAGE))
    return len(queued)


def _is_over(run: FlowRun, jobs: Collection[str]) -> bool:
    named = run.parameters.get("job_ids") or ()
    return bool(named) and all(job in jobs for job in named)


async def _queued(client: PrefectClient, deployment: str) -> list[FlowRun]:
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    of = (await client.read_deployment_by_name(deployment)).id
    return await every_flow_run(
        client,
        FlowRunSort.ID_DESC,
        deployment_filter=filters.DeploymentFilter(id=filters.DeploymentFilterId(any_=[of])),
        flow_run_filter=filters.FlowRunFilter(
            state=filters.FlowRunFilterState(
                type=filters.FlowRunFilterStateType(any_=[StateType.SCHEDULED])
            )
        ),
    )
