"""The shipped automations raise alerts: on a real Prefect server, by a real webhook."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from app.api.alert_webhook import save_webhook, saving_alert_webhook
from app.api.secrets import same
from deployments.alert_webhook import HEADER, PATH, alert_webhook, alerts_key, save_alert_webhook
from deployments.automation_changes import automations, put_automations
from deployments.environment_files import LOCAL, load_environment, shipped_automations
from deployments.prefect_api import PrefectApi, prefect_api
from pipeline.alert_kinds import KINDS
from pipeline.settings import Settings, load_settings
from tests.prefect_server import PrefectServer

pytestmark = pytest.mark.slow

SECRET = "s" * 40
BY_PREFECT = {"run-failed", "run-crashed", "run-cancelled", "run-late", "documents-failed",
              "flow-silent", "no-worker", "worker-back", "run-started"}  # fmt: skip


class Receiver(ThreadingHTTPServer):
    """Stands where our API is."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.raised: list[dict[str, Any]] = []

    def wait_for(self, kind: str, key: str, *, passed: bool = False) -> dict[str, Any]:
        """The first alert of a kind and a key, or that it has passed.

        Other tests' runs on the session's server raise alerts too: a key is asked for.
        """
        wanted = (kind, key, passed)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            for each in list(self.raised):
                if (each["kind"], each["key"], each.get("passed", False)) == wanted:
                    self.raised.remove(each)
                    return each
            time.sleep(0.05)
        raise AssertionError(f"no {kind} of {key} came; there are {self.raised}")


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Take one alert with the right key."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        right = self.path == PATH and same(self.headers[HEADER], alerts_key(SECRET))
        if right and self.headers["Content-Type"] == "application/json":
            self.server.raised.append(body)
        self.send_response(204 if right else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on standard error."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """It, while the tests of this module run."""
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(prefect_server: PrefectServer, receiver: Receiver) -> Iterator[PrefectApi]:
    """The session's server with the shipped automations of the local environment."""
    url = prefect_server.environment["PREFECT_API_URL"]
    with temporary_settings({PREFECT_API_URL: url}):
        asyncio.run(save_alert_webhook(f"http://127.0.0.1:{receiver.server_port}", SECRET))
    environment = load_environment(LOCAL)
    with prefect_api(url, changing=True) as api:
        put_automations(api, environment)
        yield api
        put_automations(api, environment.model_copy(update={"automations": {}}))


@pytest.fixture(scope="module")
def ended(server: PrefectApi) -> Iterator[Callable[[str, str], str]]:
    """Makes a run of the deployment `ingest` and sets its state; the run's id."""
    flow = server.ask("flows/", {"name": f"alerting-{uuid4().hex[:8]}"})["id"]
    deployed = server.ask("deployments/", {"name": "ingest", "flow_id": flow})["id"]

    def made(kind: str, name: str) -> str:
        body = {"state": {"type": "SCHEDULED", "name": "Scheduled"}}
        run = server.ask(f"deployments/{deployed}/create_flow_run", body)["id"]
        server.ask(
            f"flow_runs/{run}/set_state", {"state": {"type": kind, "name": name}, "force": True}
        )
        return str(run)

    yield made
    server.remove(f"deployments/{deployed}")
    server.remove(f"flows/{flow}")


def test_every_shipped_automation_is_one_that_is_tried_here(server: PrefectApi) -> None:
    """They are on the server after a deployment, each with a kind that we know."""
    assert set(automations(server)) == set(shipped_automations()) == BY_PREFECT
    assert {each["alert"]["kind"] for each in shipped_automations().values()} <= set(KINDS)


def test_the_api_saves_a_missing_webhook(
    server: PrefectApi, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With its automations; one that is there it saves again only where it was given an address."""
    url, address = str(server.client.base_url), f"http://127.0.0.1:{receiver.server_port}"
    monkeypatch.setenv("PREFECT_API_URL", url)
    public = load_settings(home=tmp_path, signing_secret=SECRET, public_url=address)
    named = load_settings(home=tmp_path, signing_secret=SECRET, alerts_url=address)
    before = alert_webhook(server)
    server.remove(f"block_documents/{before}")

    def wait() -> None:
        deadline = time.monotonic() + 60
        while alert_webhook(server) is None or set(automations(server)) != BY_PREFECT:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    async def started(settings: Settings) -> None:
        async with saving_alert_webhook(settings, pause_seconds=0.01):
            await asyncio.to_thread(wait)

    with temporary_settings({PREFECT_API_URL: url}):
        put_automations(server, load_environment(LOCAL))
        assert set(automations(server)) < BY_PREFECT  # without it they are not made
        asyncio.run(started(public))
        assert alert_webhook(server) not in (None, before)
        assert not save_webhook(url, address, public)
        assert save_webhook(url, address, named)


def test_a_prefect_server_that_is_away_does_not_stop_the_api(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked again, without a warning."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    settings = load_settings(home=tmp_path, alerts_url="http://127.0.0.1:9")

    async def started() -> None:
        async with saving_alert_webhook(settings, pause_seconds=0.01):
            await asyncio.sleep(0.3)

    asyncio.run(started())
    assert not [each for each in caplog.records if each.levelname not in ("DEBUG", "INFO")]


@pytest.mark.parametrize(
    ("kind", "state", "name", "key"),
    [
        ("run-failed", "FAILED", "Not verified", ""),
        ("run-crashed", "CRASHED", "Crashed", "ingest"),
        ("run-cancelled", "CANCELLED", "Cancelled", ""),
        ("run-late", "SCHEDULED", "Late", "ingest"),
    ],
)
def test_how_a_run_ends_raises_an_alert(
    ended: Callable[[str, str], str], receiver: Receiver, kind: str, state: str, name: str, key: str
) -> None:
    """By its state's type, whatever its name: with the run's id, and no other name."""
    run = ended(state, name)
    told = receiver.wait_for(kind, key or run)
    assert told["evidence"] == {"flow_run": run}
    assert told["title"].startswith("ingest: ")


def test_a_late_run_that_starts_closes_its_alert(
    server: PrefectApi, ended: Callable[[str, str], str], receiver: Receiver
) -> None:
    """And a run that was never late closes nothing."""
    ended("RUNNING", "Running")
    late = ended("SCHEDULED", "Late")
    assert receiver.wait_for("run-late", "ingest")["evidence"] == {"flow_run": late}
    state = {"state": {"type": "RUNNING", "name": "Running"}, "force": True}
    server.ask(f"flow_runs/{late}/set_state", state)
    assert receiver.wait_for("run-late", "ingest", passed=True)
    late_ones = [(each["kind"], each["key"]) for each in receiver.raised]
    assert ("run-late", "ingest") not in late_ones


def test_failed_documents_raise_an_alert_though_the_run_is_completed(
    server: PrefectApi, receiver: Receiver
) -> None:
    """By our own event, with its counts."""
    run = str(uuid4())
    emit(
        server, "navigator.run.finished",
        {"prefect.resource.id": f"prefect.flow-run.{run}", "navigator.ending": "Some failed"},
        {"failed": 2, "quarantined": 1, "published": 7},
    )  # fmt: skip
    told = receiver.wait_for("documents-failed", run)
    assert told["title"] == "Documents: 2 failed, 1 quarantined, 7 published."


def test_a_pool_without_a_worker_raises_an_alert_that_a_worker_closes(
    server: PrefectApi, receiver: Receiver
) -> None:
    """By the pool's status."""
    pool = server.ask("work_pools/", {"name": f"of-alerts-{uuid4().hex[:8]}", "type": "process"})
    resource = {"prefect.resource.id": f"prefect.work-pool.{pool['id']}"}
    emit(server, "prefect.work-pool.not-ready", resource)
    assert receiver.wait_for("no-worker", pool["name"])
    emit(server, "prefect.work-pool.ready", resource)
    assert receiver.wait_for("no-worker", pool["name"], passed=True)
    server.remove(f"work_pools/{pool['name']}")


def emit(
    server: PrefectApi,
    event: str,
    resource: dict[str, str],
    payload: dict[str, Any] | None = None,
) -> None:
    """Tell the server of an event."""
    now = datetime.now(UTC).isoformat()
    body = {"occurred": now, "event": event, "resource": resource, "payload": payload or {},
            "id": str(uuid4())}  # fmt: skip
    server._answer("POST", "events", json=[body]).raise_for_status()


@pytest.mark.long
def test_a_flow_that_is_silent_raises_an_alert(server: PrefectApi, receiver: Receiver) -> None:
    """The trigger waits for what does not come."""
    made = load_environment(LOCAL)
    silent = made.automations["flow-silent"]
    soon = silent.model_copy(update={"trigger": {**silent.trigger, "within": 10}})
    put_automations(
        server, made.model_copy(update={"automations": {**made.automations, "flow-silent": soon}})
    )
    try:
        assert receiver.wait_for("flow-silent", "maintain")
    finally:
        put_automations(server, made)
