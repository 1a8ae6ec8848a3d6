"""The places of a worker, shared between batches and other runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from prefect.client.schemas.responses import WorkerFlowRunResponse

from app.worker.run_places import RunPlaces

BATCH = {"job_ids": ["a", "b"], "code": "1f3a"}
UPLOAD = {"job_ids": ["a"], "inside": True, "code": "1f3a"}
INGEST = {"paths": ["/srv/policies"]}
Parameters = dict[str, Any]


def run_of(parameters: Parameters) -> WorkerFlowRunResponse:
    """A run that is due."""
    flow_run = SimpleNamespace(id=uuid4(), parameters=parameters)
    return cast(WorkerFlowRunResponse, SimpleNamespace(flow_run=flow_run))


def chosen(places: RunPlaces, due: list[Parameters], under_way: list[UUID]) -> list[Parameters]:
    """The parameters of the runs that are taken; they count as under way afterwards."""
    found = places.within([run_of(each) for each in due], under_way)
    under_way += [each.flow_run.id for each in found]
    return [each.flow_run.parameters for each in found]


def test_other_workers_find_batches_too() -> None:
    """Of many batches a worker takes what it works on; when one ends, it takes the next."""
    places, under_way = RunPlaces(batches=3), list[UUID]()
    assert chosen(places, [BATCH] * 8, under_way) == [BATCH] * 3
    assert chosen(places, [BATCH] * 5, under_way) == []
    under_way.pop()
    assert chosen(places, [BATCH] * 5, under_way) == [BATCH]


def test_places_are_kept_for_batches() -> None:
    """A worker is never filled with runs that wait for the batches which it would have to take."""
    places = RunPlaces(batches=2, others=6)
    assert chosen(places, [*[INGEST] * 9, *[BATCH] * 9], []) == [INGEST] * 6 + [BATCH] * 2


def test_others_are_not_limited_where_batches_go_elsewhere() -> None:
    """A worker of one queue takes as many runs as it was told."""
    assert chosen(RunPlaces(batches=2), [INGEST] * 9, []) == [INGEST] * 9


def test_uploads_are_no_batches() -> None:
    """Somebody waits for an upload: it is taken as long as the worker takes anything."""
    due: list[Parameters] = [UPLOAD, UPLOAD, UPLOAD, BATCH, BATCH, BATCH]
    assert chosen(RunPlaces(batches=2), due, []) == [UPLOAD, UPLOAD, UPLOAD, BATCH, BATCH]
