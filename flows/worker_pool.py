"""Reads from Prefect's server which workers serve a pool, and how many runs may be under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from prefect.client.schemas.objects import Worker, WorkerStatus

from deployments.prefect_clock import server_time

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

BATCH_DEPLOYMENT = "ingest-documents/ingest-documents"
"""What batches are handed to when there is a work pool; prefect.yaml makes it."""

MISSED_HEARTBEATS = 3
"""A worker that was silent for so many of them is gone; Prefect's server says so no sooner."""
_HEARTBEAT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class PoolState:
    """Who takes batches.

    Attributes:
        workers: that live; one where none is seen, since it may be about to start.
        together: runs under way at once that pool and queue allow over all workers.
        slots: runs of the batches' deployment at once; one more would wait half a minute.
    """

    workers: int = 1
    together: int | None = None
    slots: int | None = None


async def read_pool(client: PrefectClient, name: str) -> PoolState:
    """Look at a pool: its workers by the server's clock, and its limits."""
    workers = await client.read_workers_for_work_pool(name)
    deployment = await client.read_deployment_by_name(BATCH_DEPLOYMENT)
    pool = await client.read_work_pool(name)
    queue = await client.read_work_queue_by_name(
        deployment.work_queue_name or "default", work_pool_name=name
    )
    limits = [each for each in (pool.concurrency_limit, queue.concurrency_limit) if each]
    slots = deployment.global_concurrency_limit
    return PoolState(
        workers=max(1, len(living(workers, await server_time(client)))),
        together=min(limits, default=None),
        slots=None if slots is None else slots.limit,
    )


def living(workers: Sequence[Worker], now: datetime) -> list[Worker]:
    """Those of the workers that are online and were heard lately.

    Args:
        now: by the server's clock, which dates the heartbeats.
    """
    return [
        each
        for each in workers
        if each.status == WorkerStatus.ONLINE
        and each.last_heartbeat_time is not None
        and now - each.last_heartbeat_time < _patience(each)
    ]


def _patience(worker: Worker) -> timedelta:
    seconds = worker.heartbeat_interval_seconds or _HEARTBEAT_SECONDS
    return timedelta(seconds=seconds * MISSED_HEARTBEATS)
