"""A worker that is killed while it takes a run leaves its name on it, and no slot is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.workers.base import BaseWorker

from app.worker.orphaned_runs import requeue_orphaned_runs
from app.worker.warm_worker import WarmWorker
from pipeline.worker_identity import worker_name
from tests.app.worker.conftest import LEFT_OPEN
from tests.flows.test_abandoned_runs import DEAD
from tests.prefect_server import PrefectServer

pytestmark = LEFT_OPEN

POOL = "taking-runs"


async def scheduled(client: PrefectClient) -> FlowRun:
    """A run of a deployment that lets one run at a time."""
    await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
    flow = await client.create_flow_from_name("taking-runs")
    deployment = await client.create_deployment(
        flow, "taking-runs", work_pool_name=POOL, concurrency_limit=1
    )
    return await client.create_flow_run_from_deployment(deployment)


async def slots(client: PrefectClient, run: FlowRun) -> int:
    """How many runs of its deployment Prefect counts."""
    limits = await client.read_global_concurrency_limits(limit=200, offset=0)
    return next(each.active_slots for each in limits if str(run.deployment_id) in each.name)


async def test_its_name_is_on_it_before_it_is_taken(
    fresh_prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And after, though another worker, which lost, put its own there meanwhile."""
    real, seen = BaseWorker._propose_pending_state, []
    with fresh_prefect_server.in_this_process():
        async with get_client() as client:
            run = await scheduled(client)

            async def take(worker: WarmWorker, flow_run: FlowRun) -> bool:
                seen.append((await client.read_flow_run(run.id)).infrastructure_pid)
                taken = await real(worker, flow_run)
                await client.update_flow_run(run.id, infrastructure_pid="somebody else")
                return taken

            monkeypatch.setattr(BaseWorker, "_propose_pending_state", take)
            async with WarmWorker(POOL) as worker:
                assert await worker._propose_pending_state(run)
            now = await client.read_flow_run(run.id)
            await client.delete_flow_run(run.id)
    assert seen == [worker_name()]
    assert (now.state_type, now.infrastructure_pid) == (StateType.PENDING, worker_name())


async def test_a_run_that_a_dead_worker_took_gives_its_slot_back(
    fresh_prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next worker's heartbeat queues it again; its deployment can run it."""
    monkeypatch.setattr("app.worker.warm_worker.worker_name", lambda: DEAD)
    monkeypatch.setattr("flows.abandoned_runs.JUST_TAKEN", timedelta(seconds=-60))
    with fresh_prefect_server.in_this_process():
        async with get_client() as client:
            run = await scheduled(client)
            async with WarmWorker(POOL) as worker:
                assert await worker._propose_pending_state(run)
            assert await slots(client, run) == 1
            assert await requeue_orphaned_runs(client, POOL) == 1
            assert (await client.read_flow_run(run.id)).state_name == "AwaitingRetry"
            assert await slots(client, run) == 0
            await client.delete_flow_run(run.id)


async def test_who_holds_a_slot_outlives_the_server(fresh_prefect_server: PrefectServer) -> None:
    """Leases lie in files: a server that is started again knows whose time is over."""
    folder = fresh_prefect_server.folder / "concurrency_leases"
    with fresh_prefect_server.in_this_process():
        async with get_client() as client:
            run = await scheduled(client)
            async with WarmWorker(POOL) as worker:
                assert await worker._propose_pending_state(run)
            pending = (await client.read_flow_run(run.id)).state
            assert pending is not None
            lease = pending.state_details.deployment_concurrency_lease_id
            assert (folder / f"{lease}.json").is_file()
            await client.delete_flow_run(run.id)
