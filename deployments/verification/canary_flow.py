"""Has the environment's own worker work on the canaries: by its server, its pool, its queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from deployments.prefect_answers import prefect_answers
from deployments.prefect_clock import server_time
from deployments.prefect_runs import every_flow_run
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.run_options import RunOptions

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, State

DEPLOYMENT = "ingest-documents/ingest-documents"
TAG = "verification"
_POLL_SECONDS = 0.2
_LEAST_SECONDS = 10.0
_FLUSH_SECONDS = 6.0
"""A Prefect server writes down what its task runs told every five seconds."""
_LOOKS = 75
_LOGS = "Look into the worker's log and, in Prefect, at the flow run"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a worker is asked to take through the stages."""

    jobs: Sequence[UUID]
    run_id: UUID
    installation: UUID
    options: RunOptions | None = None


@asynccontextmanager
async def worker_of(
    client: PrefectClient, deadline: float
) -> AsyncIterator[Callable[[Batch], Awaitable[None]]]:
    """What has a batch worked off by the pool's workers.

    After the block the flow runs that ended well are removed; others stay, for a person to look at.

    Args:
        deadline: by the monotonic clock; a batch gets a few seconds in any case.
    """
    ended: list[UUID] = []

    async def through(batch: Batch) -> None:
        left = deadline - time.monotonic()
        ended.append(await work_off(client, batch, seconds=max(left, _LEAST_SECONDS)))

    try:
        yield through
    except BaseException:
        with suppress(ServiceUnavailable), prefect_answers():
            await asyncio.shield(_remove(client, ended))
        raise
    with prefect_answers():
        await _recorded(client, ended)
        await _remove(client, ended)


async def _remove(client: PrefectClient, runs: Sequence[UUID]) -> None:
    """Remove runs with their subflows, which took what was inside of canaries."""
    for run in [*await _inside(client, runs), *runs]:
        await client.delete_flow_run(run)


async def _inside(client: PrefectClient, runs: Sequence[UUID]) -> list[UUID]:
    from prefect.client.schemas import filters
    from prefect.client.schemas.sorting import FlowRunSort

    if not runs:
        return []
    parent = filters.FlowRunFilterParentFlowRunId(any_=list(runs))
    found = await every_flow_run(
        client,
        FlowRunSort.START_TIME_ASC,
        flow_run_filter=filters.FlowRunFilter(parent_flow_run_id=parent),
    )
    return [each.id for each in found]


async def _recorded(client: PrefectClient, runs: Sequence[UUID]) -> None:
    """Wait until the server has written down what the tasks of the runs told.

    A task run that is told of after its flow run is gone cannot be written, and a server drops
    whatever else it was about to write with it: task runs of others.
    """
    if not runs:
        return
    await asyncio.sleep(_FLUSH_SECONDS)
    every = [*await _inside(client, runs), *runs]
    for _ in range(_LOOKS):
        if await _are_recorded(client, every):
            return
        await asyncio.sleep(_POLL_SECONDS)


async def _are_recorded(client: PrefectClient, runs: Sequence[UUID]) -> bool:
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    found = await client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(runs)))
    )
    return all(each.state is not None and each.state.is_final() for each in found)


async def work_off(client: PrefectClient, batch: Batch, *, seconds: float) -> UUID:
    """Have a worker take the jobs through all stages, and wait for its end; its flow run.

    Raises:
        ConfigurationError: there is no such deployment.
        ServiceUnavailable: no worker took it, or it did not end well, within so many seconds.
    """
    run = await _start(client, batch)
    try:
        async with asyncio.timeout(seconds):
            ended = await _ended(client, run.id)
    except TimeoutError:
        now = await client.read_flow_run(run.id)
        await _cancel(client, run.id)
        raise _late(now, seconds) from None
    except BaseException:
        await asyncio.shield(_cancel(client, run.id))
        raise
    if ended.state is None or not ended.state.is_completed():
        said = ended.state.message if ended.state else ""
        raise ServiceUnavailable(
            f"The canaries' flow run ended as {ended.state_name}: {said or 'no reason given'}",
            code="canary_run_failed",
            remedy=f"{_LOGS} {run.id}.",
        )
    return run.id


async def _start(client: PrefectClient, batch: Batch) -> FlowRun:
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Scheduled

    try:
        deployment = await client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound:
        raise ConfigurationError(
            f"The environment's Prefect server has no deployment {DEPLOYMENT}.",
            remedy="Deploy first: `prefect --no-prompt deploy --all`.",
        ) from None
    return await client.create_flow_run_from_deployment(
        deployment.id,
        state=Scheduled(scheduled_time=await server_time(client)),
        name=f"canaries {str(uuid4())[:8]}",
        tags=[TAG],
        parameters={
            "job_ids": [str(job) for job in batch.jobs],
            "run_id": str(batch.run_id),
            "label": "canaries",
            "installation": str(batch.installation),
            "options": batch.options.model_dump(mode="json") if batch.options else None,
            "inside": True,
        },
    )


async def _ended(client: PrefectClient, run: UUID) -> FlowRun:
    while True:
        found = await client.read_flow_run(run)
        if found.state is not None and found.state.is_final():
            return found
        await asyncio.sleep(_POLL_SECONDS)


async def _cancel(client: PrefectClient, run: UUID) -> None:
    """Nobody waits for the run any more; a server that has gone cannot be told."""
    from prefect.states import Cancelling

    with suppress(ServiceUnavailable), prefect_answers():
        gives_up: State[Any] = Cancelling(message="The verification gave it up.")
        await client.set_flow_run_state(run, gives_up)


def _late(run: FlowRun, seconds: float) -> ServiceUnavailable:
    if run.start_time is None:
        return ServiceUnavailable(
            f"No worker took the canaries up within {seconds:.0f} s.",
            code="no_worker",
            remedy="Start a worker for the pool (`navigator worker`), or look why none takes it.",
        )
    return ServiceUnavailable(
        f"The canaries were not worked off within {seconds:.0f} s.",
        code="canary_run_late",
        remedy=f"{_LOGS} {run.id}.",
    )
