"""The warm worker: quick to start runs, honest about how they end, and nothing lost with it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.embedder_blocks import OpenAIEmbedderBlock
from pipeline.identity import user_id
from pipeline.settings import Settings
from stages.services import open_services
from tests.app.worker.conftest import Pool
from tests.ingesting import accept
from tests.prefect_server import PrefectServer

pytestmark = pytest.mark.timeout(300)

SECRET = "sk-canary-5be1"


interrupted = pytest.mark.answers_lost(1, "nobody waits for the answer to a run that ended")


def children(pool: Pool, flow_run: str) -> list[dict[str, Any]]:
    """The subflow runs of a flow run."""
    wanted = {"flow_runs": {"parent_flow_run_id": {"any_": [flow_run]}}}
    found: list[dict[str, Any]] = pool.server.post("/flow_runs/filter", wanted)
    return found


def test_runs_start_in_the_worker_itself(
    pool: Pool, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run needs no new interpreter: the worker's own process publishes its document."""
    worker = pool.worker()
    asked = time.monotonic()
    run = pool.server.start("ingest", paths=[policy])
    pool.until(run, "RUNNING", "COMPLETED")
    with capsys.disabled():
        print(f"\na run began after {time.monotonic() - asked:.2f} s")  # noqa: T201
    ended = pool.until(run, "COMPLETED", "FAILED", "CRASHED")
    assert ended["state"]["message"] == "Documents: 1 published"
    actors = pool.query("SELECT DISTINCT actor FROM upload_pipeline.job_events")
    assert [int(actor.split("/")[-2]) for (actor,) in actors] == [worker.process.pid]


def test_an_idle_sweep_leaves_no_trace(pool: Pool) -> None:
    """A sweep that finds nothing writes no run, no artifact and no subflow.

    The schedule's earlier ones that found nothing go with it; a person's is found again.
    """
    pool.worker()
    before = pool.query("SELECT count(*) FROM upload_pipeline.ingest_runs")
    by_schedule = pool.server.schedule("sweep", select="waiting")
    pool.until(by_schedule, "COMPLETED", "FAILED", "CRASHED")
    asked = []
    for _ in range(2):
        run = pool.server.start("sweep", select="waiting")
        asked.append(run)
        ended = pool.until(run, "COMPLETED", "FAILED", "CRASHED")
        assert ended["state_name"] == "Nothing waits"
        wanted = {"artifacts": {"flow_run_id": {"any_": [run]}}}
        assert pool.server.post("/artifacts/filter", wanted) == []
        assert children(pool, run) == []
    assert pool.query("SELECT count(*) FROM upload_pipeline.ingest_runs") == before
    wanted = {"flow_runs": {"id": {"any_": [by_schedule, *asked]}}}
    left = pool.server.post("/flow_runs/filter", wanted)
    assert {run["id"] for run in left} == set(asked)


def test_a_chosen_block_is_used(pool: Pool, policy: str, prefect_server: PrefectServer) -> None:
    """A run uses the embedder's block that a person chose in its form; Prefect keeps no secret."""
    with prefect_server.in_this_process():
        block = OpenAIEmbedderBlock(
            api_key=SecretStr(SECRET), base_url=pool.openai.base_url, model="text-embedding-3-large"
        )
        chosen = str(block.save("chosen", overwrite=True, _sync=True))  # type: ignore[call-arg]
    pool.worker()
    reference = {"embedder_block": {"$ref": {"block_document_id": chosen}}}
    run = pool.server.start("ingest", paths=[policy], options=reference)
    ended = pool.until(run, "COMPLETED", "FAILED", "CRASHED")
    assert ended["state"]["message"] == "Documents: 1 published"
    assert ended["parameters"]["options"]["embedder_block"] == "navigator-openai-embedder/chosen"
    assert SECRET not in str(ended)
    models = pool.query("SELECT model FROM upload_pipeline.embedding_spaces")
    assert ("text-embedding-3-large",) in models


def test_a_secret_in_the_form_is_refused(pool: Pool) -> None:
    """What is no choice among the saved blocks does not fit the form: nothing of it is kept."""
    deployment = pool.server.deployments()["ingest"]["id"]
    for written in ({"api_key": SECRET}, {"block_type_slug": "navigator-openai-embedder"}, SECRET):
        body = {"parameters": {"paths": ["/x"], "options": {"embedder_block": written}}}
        answer = pool.server.api.post(f"/deployments/{deployment}/create_flow_run", json=body)
        assert answer.status_code == 409


@interrupted
def test_a_person_cancels(pool: Pool, policy: str, slow: Callable[[], None]) -> None:
    """A cancelled run ends as cancelled with its subflows; nobody holds its documents any more."""
    pool.worker()
    run = pool.server.start("ingest", paths=[policy])
    pool.until_claimed()
    pool.server.post(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    assert pool.until(run, "CANCELLED", "CRASHED")["state_type"] == "CANCELLED"
    assert {each["state_type"] for each in children(pool, run)} == {"CANCELLED"}
    assert pool.claims() == 0


def test_what_a_person_cancelled_waits_for_a_person(pool: Pool) -> None:
    """No sweep takes up what the cancelled run left, however long ago; a person's word does."""
    pool.worker()
    waiting = "state NOT IN ('complete', 'superseded', 'deleted')"
    left = pool.query(f"SELECT id, stopped FROM upload_pipeline.upload_jobs WHERE {waiting}")
    assert [stopped for _, stopped in left] == ["stopped_by_person"]
    age(pool, waiting)
    assert pool.server.run("sweep")["state_name"] == "Nothing waits"
    resumed = pool.server.run("sweep", job_ids=[str(job) for job, _ in left])
    assert resumed["state"]["message"] == "Documents: 1 published"


@pytest.mark.answers_lost(1, "the run is cancelled while its request is under way")
def test_the_sweep_takes_up_what_nobody_works_on(
    pool: Pool, policy: str, slow: Callable[[], None]
) -> None:
    """What a run left that is over is published by the next sweep, however fresh it is."""
    pool.worker()
    run = pool.server.start("ingest", paths=[policy])
    pool.until_claimed()
    pool.server.post(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    pool.until(run, "CANCELLED", "CRASHED")
    waiting = "state NOT IN ('complete', 'superseded', 'deleted')"
    pool.query(f"UPDATE upload_pipeline.upload_jobs SET stopped = NULL WHERE {waiting} RETURNING 1")
    slow()
    assert pool.server.run("sweep")["state"]["message"] == "Documents: 1 published"


def test_a_schedule_is_no_persons_word(pool: Pool, policy: str, slow: Callable[[], None]) -> None:
    """An ingest that a schedule starts leaves what a person stopped; a person's own goes on."""
    pool.worker()
    run = pool.server.start("ingest", paths=[policy])
    pool.until_claimed()
    pool.server.post(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    pool.until(run, "CANCELLED", "CRASHED")
    slow()
    scheduled = pool.server.ended(pool.server.schedule("ingest", paths=[policy]))
    assert (scheduled["state_type"], scheduled["auto_scheduled"]) == ("FAILED", True)
    assert "1 waiting" in scheduled["state"]["message"]
    asked = pool.server.run("ingest", paths=[policy])
    assert asked["state"]["message"] == "Documents: 1 published"


def age(pool: Pool, which: str) -> None:
    """Let a minute pass for the jobs."""
    pool.query(
        "UPDATE upload_pipeline.upload_jobs SET updated_at = now() - interval '1 minute'"
        f" WHERE {which} RETURNING id"
    )


@interrupted
def test_a_stopped_worker_gives_its_runs_back(
    pool: Pool, policy: str, slow: Callable[[], None]
) -> None:
    """SIGTERM frees the documents and queues the run again; the next worker finishes it."""
    worker = pool.worker()
    run = pool.server.start("ingest", paths=[policy])
    pool.until_claimed()
    assert worker.stop() == 0
    assert pool.claims() == 0
    assert pool.state(run)["state_type"] == "SCHEDULED"
    slow()
    pool.worker()
    ended = pool.until(run, "COMPLETED", "FAILED", "CRASHED")
    assert ended["state"]["message"] == "Documents: 1 published"


@interrupted
def test_a_killed_worker_is_inherited(pool: Pool, policy: str, slow: Callable[[], None]) -> None:
    """Runs of a worker that was killed are found by the next one and finished."""
    worker = pool.worker()
    run = pool.server.start("ingest", paths=[policy])
    pool.until_claimed()
    worker.stop(signal.SIGKILL)
    assert pool.state(run)["state_type"] == "RUNNING"
    slow()
    pool.worker()
    assert pool.until(run, "COMPLETED", "FAILED", "CRASHED")["state_type"] == "COMPLETED"
    assert pool.claims() == 0


@interrupted
def test_a_second_signal_ends_at_once(pool: Pool, policy: str, slow: Callable[[], None]) -> None:
    """Who asks twice is not kept waiting: not for the claims to be given back, nor for a stop."""
    worker = pool.worker()
    pool.server.start("ingest", paths=[policy])
    pool.until_claimed()
    os.kill(worker.process.pid, signal.SIGSTOP)
    # The first, then the second, before the worker can do anything between them.
    os.kill(worker.process.pid, signal.SIGINT)
    os.kill(worker.process.pid, signal.SIGTERM)
    os.kill(worker.process.pid, signal.SIGCONT)
    assert worker.process.wait(60) in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    assert pool.claims() == 1


def test_without_a_server(tmp_path: Path) -> None:
    """A worker without a Prefect server says what to start."""
    clean = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "app", "worker"],
        env=clean | {"NAVIGATOR_HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "There is no Prefect server to work for." in done.stderr
    assert "`navigator up`" in done.stderr


@pytest.mark.long
def test_a_stuck_sweep_does_not_hold_up_the_next(
    pool: Pool, tmp_path: Path, policy: str, slow: Callable[[], None]
) -> None:
    """While one sweep is stuck in a frozen worker, the next minute's publishes what else waits."""
    frozen = pool.worker()
    stuck = pool.server.start("sweep", job_ids=accepted(pool, policy))
    pool.until_claimed()
    os.kill(frozen.process.pid, signal.SIGSTOP)
    try:
        slow()
        pool.start_worker()
        other = tmp_path / "other"
        other.mkdir()
        (other / "other.md").write_text(f"# Other\n\nThe premium of {os.urandom(8).hex()} is 9.\n")
        swept = pool.server.run("sweep", job_ids=accepted(pool, str(other)))
        assert swept["state"]["message"] == "Documents: 1 published"
        assert pool.state(stuck)["state_type"] == "RUNNING"
    finally:
        frozen.process.kill()


def accepted(pool: Pool, folder: str) -> list[str]:
    """The jobs of a folder's files, stored and registered as an upload does it."""
    settings = Settings(
        database_url=SecretStr(pool.database_url), home=pool.home, embedder="openai",
        openai_api_key=SecretStr("sk-test"), openai_base_url=pool.openai.base_url,
    )  # fmt: skip

    async def accept_all() -> list[str]:
        async with open_services(settings) as services:
            return [*map(str, await accept(services, [folder], user_id("anna")))]

    return asyncio.run(accept_all())
