"""`prefect deploy --all` on a fresh server, and a real worker that runs what it made."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from app.stack.missing_deployments import missing_deployments
from tests.deployments.conftest import DeployedServer
from tests.prefect_server import ROOT, PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

NAMES = {
    "drift", "failed", "golden-questions", "ingest", "ingest-documents", "maintain", "nightly",
    "outdated", "quality-report", "space", "sweep", "verify", "watch",
}  # fmt: skip


def test_each_is_deployed(deployed: DeployedServer) -> None:
    """Every deployment is there, with its schedule once."""
    found = deployed.deployments()
    assert set(found) == NAMES
    one_schedule(found["nightly"])


def one_schedule(nightly: dict[str, Any]) -> None:
    """The nightly run is scheduled once, in UTC."""
    [schedule] = nightly["schedules"]
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("30 2 * * *", "UTC")
    assert (schedule["active"], schedule["slug"]) == (True, "nightly")


def test_schedules_are_kept(deployed: DeployedServer) -> None:
    """The server plans the runs of both schedules by itself."""
    wanted = {"deployments": {"name": {"any_": ["sweep", "nightly"]}}}
    ids = {each["id"] for each in deployed.post("/deployments/filter", wanted)}
    deadline = time.monotonic() + 240
    planned: set[str] = set()
    while planned != ids:
        assert time.monotonic() < deadline, "the scheduler of the server plans nothing"
        time.sleep(0.5)
        runs = deployed.post("/flow_runs/filter", wanted | {"sort": "EXPECTED_START_TIME_DESC"})
        planned = {each["deployment_id"] for each in runs if each["auto_scheduled"]}


def test_nothing_of_the_deployer_is_kept(deployed: DeployedServer) -> None:
    """No deployment names the folder from which it was deployed."""
    for each in deployed.deployments().values():
        assert str(ROOT) not in str(each)
        assert each["pull_steps"] == [{"deployments.code.installed": {}}]


def test_limits(deployed: DeployedServer) -> None:
    """Each deployment has a limit of runs at once, and says what happens to one too many."""
    limits = {
        name: (each["global_concurrency_limit"]["limit"],
               each["concurrency_options"]["collision_strategy"])
        for name, each in deployed.deployments().items()
    }  # fmt: skip
    assert limits["nightly"] == (1, "CANCEL_NEW")
    assert set(limits) == NAMES


@pytest.mark.long
def test_worker_runs_each(worker: DeployedServer, tmp_path: Path) -> None:
    """Ingest hands its batches to the pool; backfill and report run; all end as completed."""
    for name in ("renters-policy.md", "flood-exclusion-notice.txt"):
        shutil.copy(ROOT / "samples" / "files" / name, tmp_path)
    # Together, because most of a run's time is its process starting. The nightly run comes after:
    # it takes up what waits, and on a busy machine that may be the ingest's own documents.
    idle = [worker.start("quality-report")]
    ingest = worker.run("ingest", paths=[str(tmp_path)], options={"batch_size": 2})
    assert (ingest["state_name"], ingest["state"]["message"]) == (
        "Completed",
        "Documents: 2 published",
    )
    idle.append(worker.start("nightly"))
    for run in idle:
        assert worker.ended(run)["state_type"] == "COMPLETED"
    batches = worker.post(
        "/flow_runs/filter",
        {"deployments": {"name": {"any_": ["ingest-documents"]}}, "sort": "START_TIME_DESC"},
    )
    # The sweep may find the two documents waiting too: it claims nothing that
    # is held.
    assert batches
    assert {worker.ended(each["id"])["state_type"] for each in batches} == {"COMPLETED"}
    assert {each["work_queue_name"] for each in batches} == {"batches"}
    assert "ingest" in ingest["tags"]


@pytest.mark.long
def test_worker_reads_named_folders_only(worker: DeployedServer) -> None:
    """A run of Prefect's own worker with a path outside fails, and says what to set."""
    run = worker.run("ingest", paths=["/etc/hostname"])
    assert run["state_type"] == "FAILED"
    assert "A path leads out of the folders" in run["state"]["message"]
    assert "NAVIGATOR_INGEST_ROOTS" in run["state"]["message"]


@pytest.mark.long
def test_what_is_taken_away_is_seen_and_deployed_again(
    prefect_server: PrefectServer, deployed: DeployedServer, tmp_path: Path
) -> None:
    """Whoever watches is told what is missing or another; a paused schedule is a person's word.

    Deploying again makes what is missing and changes nothing else: no deployment or schedule twice.
    """
    address = prefect_server.url.removesuffix("/api")
    assert missing_deployments(address, tmp_path) == ""
    found = deployed.deployments()
    [schedule] = found["sweep"]["schedules"]
    where = f"/deployments/{found['sweep']['id']}/schedules/{schedule['id']}"
    deployed.api.patch(where, json={"active": False}).raise_for_status()
    assert missing_deployments(address, tmp_path) == ""
    limit = {"concurrency_limit": 7}
    deployed.api.patch(f"/deployments/{found['ingest']['id']}", json=limit).raise_for_status()
    deployed.api.delete(f"/deployments/{found['sweep']['id']}").raise_for_status()
    told = missing_deployments(address, tmp_path)
    assert told == "the deployment ingest is another; there is no deployment sweep"
    assert missing_deployments("http://127.0.0.1:9", tmp_path) == ""
    prefect_server.prefect("deploy", "--all")
    assert missing_deployments(address, tmp_path) == ""
    after = deployed.deployments()
    assert set(after) == NAMES
    kept = {name: each["id"] for name, each in found.items() if name != "sweep"}
    assert {name: after[name]["id"] for name in kept} == kept
    one_schedule(after["nightly"])
