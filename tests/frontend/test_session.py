"""The frontend's whole session against the running system: API, Prefect server, warm worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from pipeline.identity import user_id
from pipeline.settings import Settings
from tests.app.api.calling import ENCRYPTED, SAMPLES, is_problem, text
from tests.app.api.database import rows_of
from tests.app.api.serving import RunningApi, serving
from tests.deployments.conftest import DeployedServer, deployed
from tests.frontend.browser import Frontend
from tests.prefect_server import ROOT, PrefectServer, end

__all__ = ["deployed"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

UNDER_WAY = ("SCHEDULED", "PENDING", "RUNNING")
FILES = ["renters-policy.md", "homeowners-policy.pdf", "pet-insurance-faq.html"]


@pytest.fixture(scope="module")
def system(
    prefect_server: PrefectServer,
    deployed: DeployedServer,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningApi]:
    """The API and a warm worker, on the same database, storage and Prefect server."""
    folder = tmp_path_factory.mktemp("system")
    environment = prefect_server.environment | {
        "DATABASE_URL": module_database_url,
        "NAVIGATOR_HOME": str(folder / "home"),
        "NAVIGATOR_PARSE_WORKERS": "1",
        "PYTHONPATH": str(ROOT),
    }
    log = folder / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "app", "worker", "--limit", "4"],
            env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    os.environ["PREFECT_API_URL"] = prefect_server.url
    settings = Settings(home=folder / "home", database_url=SecretStr(module_database_url))
    try:
        with serving(settings) as api:
            deadline = time.monotonic() + 240
            while "started!" not in log.read_text():
                assert worker.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield api
    finally:
        del os.environ["PREFECT_API_URL"]
        end(worker)
        sys.stdout.write(
            log.read_text()[-20_000:]
        )  # what the worker said, beside a test that failed


def test_a_session(system: RunningApi) -> None:
    """Log in, upload several, watch, see one fail, retry it, mend it, search, read, delete."""
    is_problem(httpx.get(f"{system.url}/api/v1/jobs"), 401)
    with system.client("frontend") as client, Frontend(client) as frontend:
        assert frontend.get("/documents")["items"] == []

        # several files at once, one of them under a password, one by a signed URL
        jobs = frontend.drop([(name, (SAMPLES / name).read_bytes()) for name in FILES])
        [locked] = frontend.drop(
            [("workers.pdf", ENCRYPTED.read_bytes())], source="workers", tags=["workers"]
        )
        large = frontend.send_signed("travel.md", text("travel").encode(), tags=["travel"])
        published = [job["id"] for job in (*jobs, large)]
        frontend.until("complete", *published)
        frontend.until("failed_parse", locked["id"])

        # why, and what to do; trying again does not help, another file does
        failed = frontend.get(f"/jobs/{locked['id']}")
        assert failed["error"]["code"] == "file_is_encrypted"
        assert "password" in failed["error"]["remedy"]
        before = len(frontend.page.events)
        frontend.post(f"/jobs/{locked['id']}/retry", 202)
        frontend.page.wait("tried again", lambda page: len(page.events) > before + 2)
        frontend.until("failed_parse", locked["id"])
        [mended] = frontend.drop(
            [("workers.md", text("workers compensation").encode())], source="workers"
        )
        assert (mended["document_id"], mended["version"]) == (locked["document_id"], 2)
        frontend.until("complete", mended["id"])
        frontend.until("superseded", locked["id"])

        # lists, a single job's stream to its end, search, the original
        assert {each["state"] for each in frontend.get("/documents")["items"]} == {"complete"}
        assert [each["id"] for each in frontend.get("/jobs", state="superseded")["items"]] == [
            locked["id"]
        ]
        with client.stream("GET", f"/jobs/{mended['id']}/events") as stream:
            assert "event: end" in list(stream.iter_lines())
        assert frontend.search("what does the policy of travel cover?")[0] == "travel.md"
        assert frontend.search("what is covered?", tags=["travel"]) == ["travel.md"]
        link = frontend.get(f"/documents/{large['document_id']}/original")
        assert httpx.get(link["url"]).text == text("travel")

        # the same again costs nothing
        [again] = frontend.drop([(FILES[0], (SAMPLES / FILES[0]).read_bytes())])
        assert (again["id"], again["state"]) == (published[0], "complete")

        # take one away, then everything
        assert client.delete(f"/documents/{large['document_id']}").status_code == 204
        frontend.until("deleted", large["id"])
        assert "travel.md" not in frontend.search("what does the policy of travel cover?")
        lines = [json.loads(line) for line in client.get("/users/me/export").text.splitlines()]
        assert {line["kind"] for line in lines} == {"document", "job", "chunk", "event", "access"}
        frontend.close()
        erased = client.delete("/users/me", params={"confirm": "erase"}).json()
        assert erased["documents"] == len(FILES) + 1
        assert frontend.get("/documents")["items"] == []


def test_cancelled_while_it_waits_or_runs(system: RunningApi) -> None:
    """Whenever the person stops it, it ends as cancelled or had ended; a retry publishes it."""
    with system.client("canceller") as client, Frontend(client) as frontend:
        jobs = frontend.drop([(f"{n}.md", text(f"cancel {n}").encode()) for n in range(4)])
        for pause, job in enumerate(jobs):
            time.sleep(pause / 10)
            answer = client.post(f"/jobs/{job['id']}/cancel")
            assert answer.status_code in (200, 409)
        ends = ("cancelled", "complete")
        frontend.page.wait(
            "ended", lambda page: all(page.states.get(job["id"]) in ends for job in jobs)
        )
        for job in jobs:
            if frontend.get(f"/jobs/{job['id']}")["state"] == "cancelled":
                frontend.post(f"/jobs/{job['id']}/retry", 202)
        frontend.until("complete", *(job["id"] for job in jobs))


def test_work_begins_at_once(
    system: RunningApi, deployed: DeployedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """An upload is worked on by the run that was asked for it, and waits for no sweep."""
    sweep = deployed.deployments()["sweep"]["id"]
    deployed.api.post(f"/deployments/{sweep}/pause_deployment").raise_for_status()
    under_way = {"flow_runs": {"deployment_id": {"any_": [sweep]},
                               "state": {"type": {"any_": list(UNDER_WAY)}}}}  # fmt: skip
    deadline = time.monotonic() + 240
    while left := deployed.post("/flow_runs/filter", under_way):  # it would take the upload up
        for run in left:
            if run["state_type"] == "SCHEDULED":  # planned while the deployment was paused
                deployed.api.delete(f"/flow_runs/{run['id']}")
        assert time.monotonic() < deadline, [
            (run["name"], run["state"], run["infrastructure_pid"], run["run_count"]) for run in left
        ]
        time.sleep(0.2)
    with system.client("hasty") as client, Frontend(client) as frontend:
        [job] = frontend.drop([("hasty.md", text("hasty").encode())])
        frontend.until("complete", job["id"])
        told = frontend.get(f"/jobs/{job['id']}")["history"]
    deployed.api.post(f"/deployments/{sweep}/resume_deployment").raise_for_status()
    asked = [
        run
        for run in deployed.post("/flow_runs/filter", {"sort": "EXPECTED_START_TIME_DESC"})
        if job["id"] in (run["parameters"].get("job_ids") or ())
    ]
    assert len(asked) == 1, [
        {name: run[name] for name in ("name", "created", "deployment_id", "idempotency_key")}
        for run in asked
    ]
    happened = rows_of(system, "job_events", user_id("hasty"))
    worked = {str(row["run_id"]) for row in happened if row["from_state"] is not None}
    assert worked == {asked[0]["parameters"]["run_id"]}
    at = {event["to_state"]: datetime.fromisoformat(event["at"]) for event in told}
    first = (at["parse_queued"] - at["uploaded"]).total_seconds()
    whole = (at["complete"] - at["uploaded"]).total_seconds()
    with capsys.disabled():
        print(f"\nfirst stage after {first:.2f} s, published after {whole:.2f} s")  # noqa: T201


def test_no_name_of_a_document_is_in_prefect(
    system: RunningApi, deployed: DeployedServer, tmp_path: Path
) -> None:
    """What Prefect was asked holds ids alone: no file name, source, tag or text."""
    canary = "quetzalcoatlus"
    with system.client(canary) as client, Frontend(client) as frontend:
        [job] = frontend.drop(
            [(f"{canary}.md", text(canary).encode())], source=canary, tags=[canary]
        )
        frontend.until("complete", job["id"])
    for path in ("/flow_runs/filter", "/task_runs/filter", "/artifacts/filter"):
        assert canary not in json.dumps(deployed.post(path, {}))
