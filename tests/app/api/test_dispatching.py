"""Asking Prefect for work: on a real server when there is one, without harm when there is none."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.api.dispatching import DEPLOYMENT, Dispatcher
from tests.app.api.calling import accepted, text
from tests.app.api.serving import RunningApi, serving
from tests.prefect_server import PrefectServer


@contextmanager
def black_hole() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    held.append(server.accept()[0])
            except OSError:
                return

        Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api"
        for each in held:
            each.close()


@pytest.fixture(autouse=True, scope="module")
def loaded() -> None:
    """Prefect's client, whose import takes as long as some of these time-outs."""
    import_module("prefect.client.orchestration")


async def test_without_a_server_nothing_is_asked() -> None:
    """No address, no request, no failure: the sweep does it."""
    dispatcher = Dispatcher(None)
    dispatcher.dispatch([uuid4()], uuid4(), "label")
    await dispatcher.close()
    assert (dispatcher.counts.started, dispatcher.counts.failed) == (0, 0)


async def test_a_server_that_does_not_answer_costs_its_caller_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The caller goes on at once; after the time-out the failure is logged and counted."""
    with black_hole() as url:
        dispatcher = Dispatcher(url, timeout_seconds=0.5)
        with caplog.at_level(logging.WARNING, "navigator.dispatch"):
            for _ in range(20):
                dispatcher.dispatch([uuid4()], uuid4(), "label")
            assert dispatcher.counts.failed == 0  # none of them is over, and the caller goes on
            await dispatcher.close()
        assert dispatcher.counts.failed == 20
        assert "dispatch_failed" in caplog.text


async def test_a_server_that_comes_back_is_asked_again(
    prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited meanwhile is asked for once it answers, and not left to the sweep."""
    _delete_all(prefect_server)
    monkeypatch.setattr("app.api.dispatching.PAUSE_SECONDS", 0.2)
    monkeypatch.setattr("app.api.dispatching.PATIENCE_SECONDS", 120)
    dispatcher = Dispatcher(prefect_server.url)
    jobs = [uuid4(), uuid4()]
    for job in jobs:
        dispatcher.dispatch([job], uuid4(), "label")
    await asyncio.sleep(1)
    assert (dispatcher.counts.started, dispatcher.counts.failed) == (0, 0)
    deployed = await asyncio.to_thread(_deploy, prefect_server)
    deadline = time.monotonic() + 240
    while dispatcher.counts.started < len(jobs):
        assert time.monotonic() < deadline, dispatcher.counts
        await asyncio.sleep(0.1)
    await dispatcher.close()
    runs = await asyncio.to_thread(_runs, prefect_server, deployed)
    assert {job for run in runs for job in run["parameters"]["job_ids"]} == set(map(str, jobs))
    await asyncio.to_thread(_delete_all, prefect_server)


async def test_runs_of_an_erased_user_are_taken_back(prefect_server: PrefectServer) -> None:
    """Queued runs over gone jobs alone are cancelled, so that they take no slot; others stay."""
    await asyncio.to_thread(_delete_all, prefect_server)
    deployed = await asyncio.to_thread(_deploy, prefect_server)
    dispatcher = Dispatcher(prefect_server.url, timeout_seconds=60)  # which `close` waits for
    anna, ben = [uuid4() for _ in range(3)], [uuid4() for _ in range(3)]
    mixed = [anna[0], ben[0]]
    for jobs in ([anna[1]], [anna[2]], ben[1:], mixed):
        dispatcher.dispatch(jobs, uuid4(), "label")
    deadline = time.monotonic() + 240
    while dispatcher.counts.started < 6:
        assert time.monotonic() < deadline, dispatcher.counts
        await asyncio.sleep(0.1)
    dispatcher.withdraw(uuid4(), anna)
    await dispatcher.close()
    runs = await asyncio.to_thread(_runs, prefect_server, deployed)
    states = {tuple(run["parameters"]["job_ids"]): run["state_type"] for run in runs}
    cancelled = {jobs for jobs, state in states.items() if state == "CANCELLED"}
    assert cancelled == {(str(anna[1]),), (str(anna[2]),)}
    assert len(states) == 4
    await asyncio.to_thread(_delete_all, prefect_server)


async def test_what_waits_for_an_erased_user_is_not_asked_for() -> None:
    """Requests that Prefect has not taken yet go with their user."""
    dispatcher = Dispatcher("http://127.0.0.1:9/api", timeout_seconds=1)
    anna, ben = uuid4(), uuid4()
    for user in (anna, ben):
        dispatcher.dispatch([uuid4()], uuid4(), "label", user)
    dispatcher.withdraw(anna, ())
    await dispatcher.close()
    assert dispatcher.counts.failed == 1


async def test_a_server_that_is_gone_is_a_failure_and_no_more() -> None:
    """A refused connection is counted like silence."""
    dispatcher = Dispatcher("http://127.0.0.1:9/api", timeout_seconds=1)
    dispatcher.dispatch([uuid4()], uuid4(), "label")
    await dispatcher.close()
    assert dispatcher.counts.failed == 1


@pytest.mark.slow
def test_an_upload_asks_for_a_run_of_its_job(
    api: RunningApi, prefect_server: PrefectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of the batch deployment with ids alone: no name, source or tag of the document."""
    _delete_all(prefect_server)
    deployed = _deploy(prefect_server)
    monkeypatch.setenv("PREFECT_API_URL", prefect_server.url)
    settings = api.settings.model_copy(update={"home": tmp_path})
    with serving(settings) as running, running.client("dispatched") as client:
        job = accepted(client, text("canary"), name="canary.md", source="canary", tags=["canary"])
        deadline = time.monotonic() + 240
        while not (runs := _runs(prefect_server, deployed)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert runs[0]["parameters"]["job_ids"] == [job["id"]]
        assert set(runs[0]["parameters"]) == {
            "job_ids", "run_id", "label", "inside", "installation", "code",
        }  # fmt: skip
        assert "canary" not in str(runs)
        assert running.parts.dispatcher.counts.started == 1
        crowd = [uuid4() for _ in range(40)]
        running.run(_dispatch_all(running.parts.dispatcher, crowd))
        while running.parts.dispatcher.counts.started < 41:
            assert time.monotonic() < deadline + 60, running.parts.dispatcher.counts
            time.sleep(0.1)
        runs = _runs(prefect_server, deployed)
        asked = [job for each in runs for job in each["parameters"]["job_ids"]]
        assert sorted(asked) == sorted([job["id"], *map(str, crowd)])
        # What waits of one user is asked for together.
        assert len(runs) < 12
    _delete_all(prefect_server)


async def _dispatch_all(dispatcher: Dispatcher, jobs: list[UUID]) -> None:
    for each in jobs:
        dispatcher.dispatch([each], uuid4(), "upload", jobs[0])


def _deploy(server: PrefectServer) -> str:
    """A deployment of that name; its id."""
    flow = _post(server, "/flows/", name=DEPLOYMENT.split("/")[0])
    made = _post(server, "/deployments/", name=DEPLOYMENT.split("/")[1], flow_id=flow["id"])
    return str(made["id"])


def _post(server: PrefectServer, path: str, **body: Any) -> Any:
    # The server answers 503 while its SQLite is locked.
    for _ in range(20):
        answer = httpx.post(f"{server.url}{path}", json=body, timeout=30)
        if answer.status_code != 503:
            break
        time.sleep(0.2)
    answer.raise_for_status()
    return answer.json()


def _runs(server: PrefectServer, deployment: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _post(
        server, "/flow_runs/filter", deployments={"id": {"any_": [deployment]}}
    )
    return found


def _delete_all(server: PrefectServer) -> None:
    """Other tests' deployments of that name, with their runs."""
    for each in _post(server, "/deployments/filter"):
        if each["name"] == DEPLOYMENT.split("/")[1]:
            httpx.delete(f"{server.url}/deployments/{each['id']}", timeout=30)
