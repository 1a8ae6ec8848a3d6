"""A warm worker whose clock is a day off that of Prefect's server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Pending, Running, Scheduled

from app.worker.orphaned_runs import requeue_orphaned_runs
from app.worker.warm_worker import WarmWorker
from pipeline.worker_identity import worker_name
from tests.app.worker.conftest import LEFT_OPEN
from tests.clocks import DAY, moved, right_time
from tests.prefect_server import PrefectServer

pytestmark = LEFT_OPEN

POOL = "moved-clock"
DEAD = f"{worker_name().rpartition('/')[0].rpartition('/')[0]}/4194305/1.00"
"""A process of this machine that there never was."""


@pytest.fixture(params=[DAY, -DAY], ids=["ahead", "behind"])
async def client(
    fresh_prefect_server: PrefectServer, request: pytest.FixtureRequest
) -> AsyncIterator[PrefectClient]:
    """A client whose clock is wrong, of a server whose clock is right."""
    with fresh_prefect_server.in_this_process(), moved(request.param):
        async with get_client() as opened:
            pool = WorkPoolCreate(name=POOL, type="process")
            await opened.create_work_pool(pool, overwrite=True)
            yield opened


async def run_of(client: PrefectClient, state: State[None], worker: str | None = None) -> FlowRun:
    """A flow run of a deployment of the pool."""
    flow = await client.create_flow_from_name("moved-clock")
    deployment = await client.create_deployment(flow, "moved-clock", work_pool_name=POOL)
    run = await client.create_flow_run_from_deployment(deployment, state=state)
    if worker:
        await client.update_flow_run(run.id, infrastructure_pid=worker)
    return run


async def due(worker: WarmWorker) -> list[UUID]:
    """What a worker would take now."""
    return [each.flow_run.id for each in await worker._get_scheduled_flow_runs()]


async def test_what_is_due_is_taken(client: PrefectClient) -> None:
    """A run of now is found, one of tonight is not."""
    now = await run_of(client, Scheduled(scheduled_time=right_time() - timedelta(seconds=1)))
    later = await run_of(client, Scheduled(scheduled_time=right_time() + timedelta(hours=12)))
    async with WarmWorker(POOL, prefetch_seconds=5) as worker:
        assert await due(worker) == [now.id]
    for run in (now, later):
        await client.delete_flow_run(run.id)


async def test_a_dead_workers_runs_are_due_at_once(client: PrefectClient) -> None:
    """Its run goes back and is due now; one that was taken a moment ago is left alone."""
    left = await run_of(client, Running(), DEAD)
    taken = await run_of(client, Pending(), DEAD)
    assert await requeue_orphaned_runs(client, POOL) == 1
    assert (await client.read_flow_run(taken.id)).state_name == "Pending"
    async with WarmWorker(POOL, prefetch_seconds=5) as worker:
        assert await due(worker) == [left.id]
    for run in (left, taken):
        await client.delete_flow_run(run.id)
