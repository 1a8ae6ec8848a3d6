"""How many batches are handed over at once, and how large: by the workers that there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import Worker, WorkerStatus

from deployments.prefect_clock import server_time
from flows.batch_slots import BatchSlots
from flows.batches import BATCH_DOCUMENTS, LEAST_SHARED, shared_size
from flows.worker_pool import PoolState, living, read_pool
from pipeline.settings import Settings
from tests.clocks import DAY, moved
from tests.prefect_server import PrefectServer

POOL = "counted"


def slots(state: PoolState, concurrency: int = 2) -> BatchSlots:
    """Slots of a run whose pool is in this state."""
    made = BatchSlots(Settings(work_pool=POOL, concurrency=concurrency))
    made._state = state
    return made


def test_one_worker_is_given_what_this_process_would_have() -> None:
    """With one worker as many batches as here, of the full size, to the end."""
    one = slots(PoolState())
    assert (one.limit, one.size(10_000), one.size(40)) == (2, BATCH_DOCUMENTS, BATCH_DOCUMENTS)


def test_runs_under_way_follow_the_workers() -> None:
    """Each worker has its batches, and as many wait for it."""
    assert [slots(PoolState(workers)).limit for workers in (2, 4, 8)] == [8, 16, 32]


def test_limits_of_the_pool_are_kept() -> None:
    """What pool or queue let run at once is shared; the deployment's slots are never exceeded."""
    assert slots(PoolState(4, together=3)).places == 3
    assert slots(PoolState(16, slots=32)).limit == 32


@given(documents=st.integers(1, 100_000), places=st.integers(2, 64))
def test_batches_become_smaller_towards_the_end(documents: int, places: int) -> None:
    """Sizes fall and stay in their bounds; no place gets more than its part of half of the rest."""
    left, sizes = documents, []
    while left > 0:
        sizes.append(shared_size(left, places))
        left -= sizes[-1]
    assert sizes == sorted(sizes, reverse=True)
    assert all(LEAST_SHARED <= each <= BATCH_DOCUMENTS for each in sizes)
    assert sizes[0] <= max(LEAST_SHARED, documents / (2 * places) + 1)


@pytest.fixture
async def client(prefect_server: PrefectServer) -> AsyncIterator[PrefectClient]:
    """A client of a server with the pool and the batches' deployment."""
    with prefect_server.in_this_process():
        async with get_client() as opened:
            await opened.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
            flow = await opened.create_flow_from_name("ingest-documents")
            await opened.create_deployment(
                flow, "ingest-documents", work_pool_name=POOL, concurrency_limit=32
            )
            yield opened


async def test_living_workers_are_counted(client: PrefectClient) -> None:
    """Workers that were heard lately count, and the pool's own limit is read."""
    assert await read_pool(client, POOL) == PoolState(1, None, 32)
    for name in ("a", "b", "c"):
        await client.send_worker_heartbeat(POOL, name, heartbeat_interval_seconds=30)
    await client.update_work_pool(POOL, WorkPoolUpdate(concurrency_limit=5))
    assert await read_pool(client, POOL) == PoolState(3, 5, 32)


async def test_workers_are_counted_by_the_servers_clock(client: PrefectClient) -> None:
    """A clock that is a day off makes no worker dead."""
    await client.send_worker_heartbeat(POOL, "b", heartbeat_interval_seconds=30)
    await client.send_worker_heartbeat(POOL, "a", heartbeat_interval_seconds=30)
    right = await read_pool(client, POOL)
    with moved(DAY):
        assert await read_pool(client, POOL) == right
    assert right.workers > 1


async def test_a_silent_worker_does_not_count(client: PrefectClient) -> None:
    """After three heartbeats that did not come a worker is gone, whatever its status says."""
    now = await server_time(client)
    pool = await client.read_work_pool(POOL)

    def heard(seconds: float, status: WorkerStatus = WorkerStatus.ONLINE) -> Worker:
        return Worker(
            name="w", work_pool_id=pool.id, status=status, heartbeat_interval_seconds=30,
            last_heartbeat_time=now - timedelta(seconds=seconds),
        )  # fmt: skip

    there, gone, signed_off = heard(80), heard(100), heard(1, WorkerStatus.OFFLINE)
    assert living([there, gone, signed_off], now) == [there]


async def test_no_answer_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer leaves the number of workers as it was."""

    async def fail(*_: object) -> PoolState:
        raise OSError

    monkeypatch.setattr("flows.batch_slots.read_pool", fail)
    monkeypatch.setattr("flows.batch_slots.get_client", lambda: open_nothing())
    counted = slots(PoolState(3))
    await counted.look()
    assert counted.limit == 12


class open_nothing:  # noqa: N801 (stands for a function)
    """A client that is not used."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        return None
