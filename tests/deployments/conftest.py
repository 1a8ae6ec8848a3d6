"""The deployments on a real server, with a worker that runs them; both once for all tests here."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.prefect_server import PrefectServer, end

RUN_SECONDS = 150
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class AskingAgain(httpx.HTTPTransport):
    """Sends a request again on 503, as every client of Prefect does.

    SQLite is locked for a moment whenever the worker or the server's own services write.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The first answer that is not 503."""
        deadline = time.monotonic() + 240
        while (answer := super().handle_request(request)).status_code == 503:
            answer.close()
            assert time.monotonic() < deadline, "Prefect's database stays locked"
            time.sleep(0.2)
        return answer


@dataclass(frozen=True)
class DeployedServer:
    """The API of a server that has the deployments."""

    api: httpx.Client

    def post(self, path: str, body: object) -> Any:
        """The answer to a request, which has to be a success."""
        return self.api.post(path, json=body).raise_for_status().json()

    def deployments(self) -> dict[str, dict[str, Any]]:
        """What the server has, by name."""
        return {each["name"]: each for each in self.post("/deployments/filter", {})}

    def run(self, deployment: str, **parameters: object) -> dict[str, Any]:
        """Have the worker run a deployment; its flow run, after it has ended."""
        return self.ended(self.start(deployment, **parameters))

    def start(self, deployment: str, **parameters: object) -> str:
        """Ask for a run; the id of its flow run."""
        found = self.deployments()[deployment]["id"]
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.post(f"/deployments/{found}/create_flow_run", body)["id"])

    def schedule(self, deployment: str, **parameters: object) -> str:
        """Have a schedule start one run, now; the id of its flow run."""
        found = self.deployments()[deployment]["id"]
        every = {"interval": 3600, "anchor_date": datetime.now(UTC).isoformat()}
        asked = [{"active": True, "schedule": every, "parameters": parameters}]
        [made] = self.post(f"/deployments/{found}/schedules", asked)
        self.post(f"/deployments/{found}/schedule", {"min_runs": 1, "max_runs": 1})
        wanted = {"flow_runs": {"deployment_id": {"any_": [found]},
                                "state": {"type": {"any_": ["SCHEDULED"]}}}}  # fmt: skip
        planned = self.post("/flow_runs/filter", wanted | {"sort": "EXPECTED_START_TIME_ASC"})
        run = next(each for each in planned if each["created_by"]["id"] == made["id"])
        now = {"type": "SCHEDULED", "state_details": {"scheduled_time": every["anchor_date"]}}
        self.post(f"/flow_runs/{run['id']}/set_state", {"state": now, "force": True})
        self.pending(run["id"])
        self.api.delete(f"/deployments/{found}/schedules/{made['id']}").raise_for_status()
        return str(run["id"])

    def pending(self, flow_run: str) -> None:
        """Wait until a worker has picked the flow run up."""
        deadline = time.monotonic() + RUN_SECONDS
        while self.api.get(f"/flow_runs/{flow_run}").json()["state_type"] == "SCHEDULED":
            assert time.monotonic() < deadline, "no worker picked the run up"
            time.sleep(0.2)

    def ended(self, flow_run: str) -> dict[str, Any]:
        """The flow run, when it has ended."""
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            run: dict[str, Any] = self.api.get(f"/flow_runs/{flow_run}").raise_for_status().json()
            if run["state_type"] in _ENDED:
                return run
            time.sleep(0.5)
        raise AssertionError(f"the run is still {run['state_name']}")


@pytest.fixture(scope="session")
def deployed(prefect_server: PrefectServer) -> Iterator[DeployedServer]:
    """The session's server after the two commands of docs/deployment.md.

    They take ten seconds of processor time: a test that changes a deployment puts it back.
    """
    prefect_server.prefect("work-pool", "create", "navigator", "--type", "process", "--overwrite")
    prefect_server.prefect("deploy", "--all")
    with httpx.Client(base_url=prefect_server.url, timeout=30, transport=AskingAgain()) as api:
        yield DeployedServer(api)


@pytest.fixture(scope="module")
def worker(
    prefect_server: PrefectServer,
    deployed: DeployedServer,
    module_database_url: str,
    scratch: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DeployedServer]:
    """The same with a worker, started in a folder that is not the checkout."""
    elsewhere = scratch / "elsewhere"
    elsewhere.mkdir()
    environment = prefect_server.environment | {
        "DATABASE_URL": module_database_url,
        "NAVIGATOR_HOME": str(scratch / "home"),
        "NAVIGATOR_WORK_POOL": "navigator",
        "NAVIGATOR_INGEST_ROOTS": str(tmp_path_factory.getbasetemp()),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    with (scratch / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "navigator",
             "--type", "process", "--name", "tests"],
            env=environment, cwd=elsewhere, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield deployed
    finally:
        end(process)
