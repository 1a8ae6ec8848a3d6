"""The places of a worker, shared between batches and other runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import WorkerFlowRunResponse

from app.worker.entrypoints import BATCHES
from app.worker.run_places import RunPlaces

BATCH, INGEST = uuid4(), uuid4()


class Deployments:
    """A server that knows two deployments."""

    async def read_deployment(self, deployment: UUID) -> Any:
        named = {BATCH: BATCHES, INGEST: "flows/ingest.py:ingest"}
        return SimpleNamespace(entrypoint=named[deployment])


def run_of(deployment: UUID) -> WorkerFlowRunResponse:
    """A run that is due."""
    flow_run = SimpleNamespace(id=uuid4(), deployment_id=deployment)
    return cast(WorkerFlowRunResponse, SimpleNamespace(flow_run=flow_run))


async def chosen(places: RunPlaces, due: list[UUID], under_way: list[UUID]) -> list[UUID]:
    """The deployments of the runs that are taken; they count as under way afterwards."""
    runs = [run_of(each) for each in due]
    found = await places.within(runs, under_way, cast(PrefectClient, Deployments()))
    under_way += [each.flow_run.id for each in found]
    return [cast(UUID, each.flow_run.deployment_id) for each in found]


async def test_other_workers_find_batches_too() -> None:
    """Of many batches a worker takes what it works on; when one ends, it takes the next."""
    places, under_way = RunPlaces(batches=3), list[UUID]()
    assert await chosen(places, [BATCH] * 8, under_way) == [BATCH] * 3
    assert await chosen(places, [BATCH] * 5, under_way) == []
    under_way.pop()
    assert await chosen(places, [BATCH] * 5, under_way) == [BATCH]


async def test_places_are_kept_for_batches() -> None:
    """A worker is never filled with runs that wait for the batches which it would have to take."""
    places = RunPlaces(batches=2, others=6)
    assert await chosen(places, [*[INGEST] * 9, *[BATCH] * 9], []) == [INGEST] * 6 + [BATCH] * 2


async def test_others_are_not_limited_where_batches_go_elsewhere() -> None:
    """A worker of one queue takes as many runs as it was told."""
    assert await chosen(RunPlaces(batches=2), [INGEST] * 9, []) == [INGEST] * 9
