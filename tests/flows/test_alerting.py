"""A run that goes wrong reaches a person, over a real socket and without naming a document."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mocks import OpenAIMock
from pipeline.store.schema import SCHEMA
from tests.flows.corpus import policy
from tests.flows.test_flows import ENCRYPTED
from tests.flows.working import Account, Worker, rows
from tests.prefect_server import ROOT, PrefectServer

pytestmark = pytest.mark.slow

OPS = {"NAVIGATOR_ALERT_BLOCK": "navigator-alert/ops"}


class Channel(ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.alerts: list[dict[str, str]] = []


class _Answer(BaseHTTPRequestHandler):
    server: Channel

    def do_POST(self) -> None:
        """Take one alert."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.alerts.append(json.loads(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on standard error."""


@pytest.fixture(scope="module")
def channel(
    prefect_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Channel]:
    """The channel of the block `ops` on the module's server."""
    server = Channel()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file = tmp_path_factory.mktemp("block") / "ops.yaml"
    address = f"json://127.0.0.1:{server.server_port}/x"
    file.write_text(f"type: navigator-alert\nname: ops\nvalues: {{address: '{address}'}}\n")
    subprocess.run(
        [sys.executable, "-m", "deployments.save_blocks", str(file)],
        cwd=ROOT, env=prefect_server.environment, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def alerts(channel: Channel) -> list[dict[str, str]]:
    """What a test's runs have sent."""
    channel.alerts.clear()
    return channel.alerts


def test_failed_documents_are_told_by_number(
    worker: Worker,
    account: Account,
    variables: dict[str, str],
    alerts: list[dict[str, str]],
    tmp_path: Path,
) -> None:
    """One message for the run, and Prefect's events; names stay where their owner can see them."""
    policy(tmp_path, "house")
    shutil.copy(ENCRYPTED, tmp_path / "secretive.pdf")
    unreadable = f"The policy pays for a loss of kind {chr(0xFFFD) * 12}. " * 20
    (tmp_path / "secretive.txt").write_text(unreadable)
    assert worker.run("ingest", {"paths": [str(tmp_path)]}, **OPS)["name"] == "Some failed"
    (alert,) = alerts
    assert alert["title"] == "Documents failed"
    assert "1 published, 2 failed" in alert["message"]
    assert "secretive" not in json.dumps(alert)
    url = variables["DATABASE_URL"]
    # By this resource the automation's alert has the same key: the ledger makes one of both.
    [(key,)] = rows(url, f"SELECT key FROM {SCHEMA}.alerts WHERE kind = 'documents-failed'")
    finished = the_event(account, "navigator.run.finished", f'"prefect.flow-run.{key}"')
    assert finished["resource"]["navigator.ending"] == "Some failed"
    counts = {name: count for name, count in finished["payload"].items() if count}
    assert counts == {"published": 1, "failed": 1, "quarantined": 1}
    run = f"navigator.run.{finished['resource']['navigator.run']}"
    published = the_event(account, "navigator.document.published", run)
    assert published["payload"] == {"documents": 1}
    told = {}
    for ending in ("failed", "quarantined"):
        told[ending] = the_event(account, f"navigator.document.{ending}", run)
        of_it = f"SELECT id FROM {SCHEMA}.upload_jobs WHERE state LIKE '{ending}%'"
        [(job,)] = rows(url, of_it)
        assert told[ending]["resource"]["prefect.resource.id"] == f"navigator.job.{job}"
    assert "secretive" not in json.dumps([finished, published, told])


def the_event(account: Account, name: str, about: str) -> dict[str, Any]:
    """The event of a name about a run, once the server has it."""
    wanted = {"event": {"name": [name]}}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = account.api.post("/events/filter", json={"filter": wanted, "limit": 50})
        found: list[dict[str, Any]] = answer.raise_for_status().json()["events"]
        for each in found:
            if about in json.dumps([each["resource"], each["related"]]):
                return each
        time.sleep(0.1)
    raise AssertionError(f"no event {name} came")


def test_a_key_that_is_refused_is_told_though_nobody_attends(
    worker: Worker,
    openai: OpenAIMock,
    variables: dict[str, str],
    alerts: list[dict[str, str]],
    tmp_path: Path,
) -> None:
    """Trying again mends no key: told once, however many runs fail, until one is well."""
    policy(tmp_path, "barn", extra="## Hay\n\nHay that nobody has told of yet is covered.\n")
    openai.faults({"fault": {"kind": "status", "status": 401, "code": "invalid_api_key"}})
    options = {"embedder": "openai"}
    run = worker.run("ingest", {"paths": [str(tmp_path)], "options": options}, **OPS)
    assert run["name"] == "Failed", run
    url = variables["DATABASE_URL"]
    newest = f"SELECT id FROM {SCHEMA}.upload_jobs ORDER BY created_at DESC LIMIT 1"
    sweep = {"job_ids": [str(rows(url, newest)[0][0])], "options": options}  # as of an upload
    for _ in range(2):
        assert worker.run("backfill", sweep, **OPS)["name"] == "Failed"
    assert [each["title"] for each in alerts] == [
        "A run could not be finished", "Documents wait for a setting",
    ]  # fmt: skip
    assert "refused the key" in alerts[1]["message"]
    openai.faults()
    assert worker.run("backfill", sweep, **OPS)["name"] == "Completed"
    kept = f"SELECT closed_at IS NULL FROM {SCHEMA}.alerts WHERE kind = 'setting-refused'"
    assert rows(url, kept) == [(False,)]


def test_a_run_without_quota_is_told_with_the_remedy(
    worker: Worker, openai: OpenAIMock, alerts: list[dict[str, str]], tmp_path: Path
) -> None:
    """It stops cleanly; somebody has to do something before any other goes on."""
    policy(tmp_path, "garage", extra="## Doors\n\nA door that nobody has told of yet is covered.\n")
    openai.faults({"fault": "quota", "times": 1})
    options = {"embedder": "openai"}
    run = worker.run("ingest", {"paths": [str(tmp_path)], "options": options}, **OPS)
    assert run["name"] == "Stopped", run
    (alert,) = alerts
    assert alert["title"] == "A run was stopped"
    assert "quota" in alert["message"].lower()


def test_a_run_that_is_well_is_told_to_nobody(
    worker: Worker, alerts: list[dict[str, str]], tmp_path: Path
) -> None:
    """No news is good news."""
    policy(tmp_path, "shed")
    options = {"embedder": "wordllama"}
    run = worker.run("ingest", {"paths": [str(tmp_path)], "options": options}, **OPS)
    assert run["name"] == "Completed", run
    assert alerts == []


def test_a_block_that_is_not_there_fails_no_run(
    worker: Worker, alerts: list[dict[str, str]], tmp_path: Path
) -> None:
    """The run says in its log that the alert was not sent."""
    shutil.copy(ENCRYPTED, tmp_path / "another.pdf")
    nobody = {"NAVIGATOR_ALERT_BLOCK": "navigator-alert/nobody"}
    assert worker.run("ingest", {"paths": [str(tmp_path)]}, **nobody)["name"] == "Some failed"
    assert alerts == []
    assert "'Documents failed' was not sent: Prefect has no block" in worker.log.read_text()
