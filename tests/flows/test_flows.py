"""The flows on a real Prefect server: what a person sees there, and what never stands there."""

from __future__ import annotations

import json
import select
import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.chaos.generated_documents import write_letter
from mocks import OpenAIMock
from pipeline.states import WORKING
from tests.flows.corpus import policy
from tests.flows.working import KEY, Account, Relay, Worker, rows, start_worker
from tests.prefect_server import PrefectServer

STAGES = ["parse", "validate", "chunk", "embed", "gate", "publish"]
CANARY = "quetzalcoatlus"
ENCRYPTED = Path(__file__).parents[2] / "samples/files/workers-compensation-encrypted.pdf"
STATES = """
    SELECT d.name, j.state FROM upload_pipeline.documents AS d
    JOIN upload_pipeline.upload_jobs AS j ON j.id = d.latest_job_id
"""

pytestmark = pytest.mark.slow


def settled(account: Account, run: dict[str, Any], stages: int = len(STAGES)) -> dict[str, Any]:
    """The task runs of a flow run, once the server has recorded them all."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        tasks = account.tasks(run)
        if len(tasks) == stages and all(
            task["state_type"] in ("COMPLETED", "FAILED") for task in tasks.values()
        ):
            return tasks
        time.sleep(0.3)
    raise AssertionError(f"only {sorted(account.tasks(run))} were recorded")


def job_titles(variables: dict[str, str], name: str) -> set[str]:
    """What the jobs of a document are called in Prefect."""
    query = (
        "SELECT j.id FROM upload_pipeline.upload_jobs AS j JOIN upload_pipeline.documents AS d"
        f" ON d.id = j.document_id WHERE d.name = '{name}'"
    )
    return {f"job {str(job)[:8]}" for (job,) in rows(variables["DATABASE_URL"], query)}


def runs_of(account: Account, variables: dict[str, str], name: str) -> list[dict[str, Any]]:
    """The subflow runs of a document, the oldest first."""
    found = [run for title in job_titles(variables, name) for run in account.subflows(title)]
    return sorted(found, key=lambda run: str(run["start_time"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents to publish, with a word that must stand nowhere else, and one that fails."""
    made = tmp_path_factory.mktemp("documents")
    policy(made, "home", extra=f"## Animals\n\nA {CANARY} in the garden is not covered. " * 3)
    policy(made, "car")
    shutil.copy(ENCRYPTED, made / "encrypted.pdf")
    return made


@pytest.fixture(scope="module")
def first(worker: Worker, openai: OpenAIMock, folder: Path) -> dict[str, Any]:
    """The first ingest, in which the embedder fails once."""
    openai.faults({"fault": {"kind": "status", "status": 500}, "times": 1})
    return worker.run("ingest", {"paths": [str(folder)]})


def test_an_ingest_with_failed_documents_completes_and_says_so(
    first: dict[str, Any], variables: dict[str, str]
) -> None:
    """The run ends Completed under the name "Some failed"; the good documents are published."""
    assert (first["type"], first["name"]) == ("COMPLETED", "Some failed"), first
    assert "2 published" in first["message"]
    assert "1 failed" in first["message"]
    assert dict(rows(variables["DATABASE_URL"], STATES)) == {
        "home.md": "complete", "car.md": "complete", "encrypted.pdf": "failed_parse",
    }  # fmt: skip


def test_each_document_is_a_subflow_with_a_task_for_each_stage(
    first: dict[str, Any], account: Account, variables: dict[str, str]
) -> None:
    """Subflows are named after their jobs, tasks after the stages; all of them completed."""
    for name in ("home.md", "car.md"):
        (run,) = runs_of(account, variables, name)
        assert run["state_type"] == "COMPLETED"
        assert run["parent_task_run_id"]
        tasks = settled(account, run)
        assert sorted(tasks) == sorted(STAGES)
        assert {task["state_type"] for task in tasks.values()} == {"COMPLETED"}
    (run,) = runs_of(account, variables, "encrypted.pdf")
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Failed (parsing)")


def test_a_batch_whose_documents_are_gone_runs_no_task(
    worker: Worker, account: Account, variables: dict[str, str]
) -> None:
    """Erased or deleted after it was queued: it ends at once, and its slot is free again."""
    named = {"job_ids": [str(uuid4())], "run_id": str(uuid4()), "label": "nothing is left"}
    ended = worker.run("ingest-documents", named)
    assert ended["type"] == "COMPLETED", ended
    (run,) = account.subflows("nothing is left")
    assert account.tasks(run) == {}


def test_a_faulty_answer_is_a_request_sent_again(
    first: dict[str, Any], account: Account, variables: dict[str, str]
) -> None:
    """The embedder's 500 is one more call in the ledger; no task of Prefect's ran twice."""
    counts = [
        task["run_count"]
        for name in ("home.md", "car.md")
        for task in settled(account, runs_of(account, variables, name)[0]).values()
    ]
    assert set(counts) == {1}
    statement = "SELECT outcome FROM upload_pipeline.service_calls ORDER BY id"
    called = [outcome for (outcome,) in rows(variables["DATABASE_URL"], statement)]
    assert sorted(called[:3]) == ["ok", "ok", "service_unavailable"]


def test_a_run_leaves_its_tables_and_its_report(
    first: dict[str, Any], account: Account, variables: dict[str, str]
) -> None:
    """Progress, documents, quality gate and report are artifacts; the report is on disk."""
    artifacts = account.all("artifacts")
    [encrypted], [home] = (job_titles(variables, name) for name in ("encrypted.pdf", "home.md"))
    # The server is the session's: other tests' runs have left theirs too.
    run = next(
        each["flow_run_id"]
        for each in artifacts
        if each["key"] == "documents" and encrypted in each["data"]
    )
    by_key = {each["key"]: each for each in artifacts if each["flow_run_id"] == run}
    assert {"progress", "documents", "quality-gate", "quality-report"} <= set(by_key)
    table = json.loads(by_key["documents"]["data"])
    lines = {line["document"]: line for line in table}
    assert lines[home]["state"].lower() == "published"
    assert "password" in lines[encrypted]["what to do"]
    assert by_key["progress"]["data"] == 100
    assert list(Path(variables["NAVIGATOR_HOME"], "reports").glob("run-*.html"))


def test_what_is_found_inside_the_last_batch_is_worked_on_too(
    worker: Worker, tmp_path: Path
) -> None:
    """Files that fill whole batches begin early; documents attached to them end in the same run."""
    policy(tmp_path, "beside")
    write_letter(tmp_path / "letter.eml", seed=1)
    answer = worker.run("ingest", {"paths": [str(tmp_path)], "options": {"batch_size": 2}})
    assert (answer["type"], answer["message"]) == ("COMPLETED", "Documents: 4 published"), answer


def test_unchanged_files_make_no_subflow(
    first: dict[str, Any],
    worker: Worker,
    account: Account,
    openai: OpenAIMock,
    folder: Path,
    variables: dict[str, str],
) -> None:
    """A second ingest of the same files completes without a subflow and without a request."""
    names = ("home.md", "car.md", "encrypted.pdf")
    before = {name: len(runs_of(account, variables, name)) for name in names}
    requests = openai.stats()["requests"]
    again = worker.run("ingest", {"paths": [str(folder)]})
    assert again["type"] == "COMPLETED"
    assert {name: len(runs_of(account, variables, name)) for name in before} == before
    assert openai.stats()["requests"] == requests


def test_the_same_bytes_are_answered_from_the_cache(
    first: dict[str, Any],
    worker: Worker,
    account: Account,
    folder: Path,
    variables: dict[str, str],
) -> None:
    """An edit that is undone: the parse task of the old bytes ends as Cached."""
    path = folder / "car.md"
    original = path.read_bytes()
    for content in (original.replace(b"pays 200", b"pays 250"), original):
        path.write_bytes(content)
        assert worker.run("ingest", {"paths": [str(path)]})["name"] == "Completed"
    runs = runs_of(account, variables, "car.md")
    assert len(runs) == 3
    names = [settled(account, run)["parse"]["state_name"] for run in runs]
    assert names == ["Completed", "Completed", "Cached"]


def test_a_document_that_comes_back_after_its_deletion_is_parsed_again(
    first: dict[str, Any], worker: Worker, folder: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    """The deletion took the text that a cached parse would name; the document is made anew."""
    path, _ = policy(tmp_path, "boat"), policy(tmp_path, "ship")
    sync = {"paths": [str(tmp_path)], "options": {"sync": True}}
    assert worker.run("ingest", sync)["name"] == "Completed"
    content = path.read_bytes()
    path.unlink()
    worker.run("ingest", sync)
    assert dict(rows(variables["DATABASE_URL"], STATES))["boat.md"] == "deleted"
    path.write_bytes(content)
    assert worker.run("ingest", sync)["name"] == "Completed"
    assert dict(rows(variables["DATABASE_URL"], STATES))["boat.md"] == "complete"


def test_a_run_that_its_cap_stops_moves_and_deletes_nothing_else(
    first: dict[str, Any], worker: Worker, tmp_path: Path, variables: dict[str, str]
) -> None:
    """What moved is found at its new path at once; what is gone goes with the first whole run."""
    gone, moving = policy(tmp_path, "goner"), policy(tmp_path, "moving")
    sync = {"paths": [str(tmp_path)], "options": {"sync": True}}
    assert worker.run("ingest", sync)["name"] == "Completed"
    gone.unlink()
    moving.rename(tmp_path / "moved.md")
    policy(tmp_path, "fresh")
    capped = {**sync, "options": {"sync": True, "max_cost_usd": "0.0000000001"}}
    assert worker.run("ingest", capped)["name"] == "Stopped"
    found = dict(rows(variables["DATABASE_URL"], STATES))
    assert (found["moved.md"], found["goner.md"]) == ("complete", "complete")
    assert "moving.md" not in found
    assert worker.run("ingest", sync)["name"] == "Completed"
    found = dict(rows(variables["DATABASE_URL"], STATES))
    assert (found["fresh.md"], found["goner.md"]) == ("complete", "deleted")


def test_a_backfill_tries_the_failed_again(
    first: dict[str, Any], worker: Worker, account: Account, variables: dict[str, str]
) -> None:
    """Select failed: the encrypted file is tried once more, and fails for the same reason."""
    before = len(runs_of(account, variables, "encrypted.pdf"))
    again = worker.run("backfill", {"select": "failed", "user": "anna"})
    assert (again["type"], again["name"]) == ("COMPLETED", "Some failed"), again
    assert "1 failed" in again["message"]
    assert len(runs_of(account, variables, "encrypted.pdf")) == before + 1


def test_a_backfill_renews_what_an_older_version_made(
    first: dict[str, Any], worker: Worker, variables: dict[str, str]
) -> None:
    """Select outdated, with another chunk size: published anew, nothing is parsed again."""
    url = variables["DATABASE_URL"]
    parsed = "SELECT count(*), max(created_at) FROM upload_pipeline.parsed_files"
    chunks = "SELECT count(*) FROM upload_pipeline.document_chunks"
    before, many = rows(url, parsed), rows(url, chunks)[0][0]
    larger = {"NAVIGATOR_CHUNK_TOKENS": "200"}
    renewed = worker.run("backfill", {"select": "outdated"}, **larger)
    assert renewed["type"] == "COMPLETED", renewed
    assert rows(url, parsed) == before
    assert rows(url, chunks)[0][0] < many
    worker.run("backfill", {"select": "outdated"}, **larger)
    versions = rows(
        url,
        """
        SELECT count(DISTINCT j.chunker) FROM upload_pipeline.documents AS d
        JOIN upload_pipeline.upload_jobs AS j ON j.id = d.published_job_id
        """,
    )
    assert versions == [(1,)]


def test_a_run_that_lost_prefect_is_finished_by_the_next(
    first: dict[str, Any],
    worker: Worker,
    prefect_server: PrefectServer,
    openai: OpenAIMock,
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    """The server goes away in mid-run: what was accepted waits, and a sweep publishes it."""
    for name in ("barn", "mill"):
        policy(tmp_path, name)
    openai.faults({"fault": {"kind": "latency", "seconds": 2}})
    asked = openai.stats()["requests"]
    with ExitStack() as stack:
        with Relay(int(prefect_server.url.rsplit(":", 1)[1].split("/")[0])) as relay:
            environment = prefect_server.environment | {
                "PREFECT_API_URL": f"http://127.0.0.1:{relay.port}/api",
                "PREFECT_CLIENT_MAX_RETRIES": "1",
            }
            one_by_one = {"NAVIGATOR_LEASE_SECONDS": "2", "NAVIGATOR_CONCURRENCY": "1"}
            lonely = start_worker(tmp_path, environment, variables | one_by_one)
            stack.callback(lonely.end)
            stack.callback(lonely.process.kill)
            lonely.send("ingest", {"paths": [str(tmp_path)]})
            deadline = time.monotonic() + 240
            while openai.stats()["requests"] == asked and time.monotonic() < deadline:
                time.sleep(0.1)
        stdout = lonely.process.stdout
        assert stdout is not None
        if select.select([stdout], [], [], 5)[0]:
            assert lonely.answer()["type"] != "COMPLETED"
    left = dict(rows(variables["DATABASE_URL"], STATES))
    assert {left["barn.md"], left["mill.md"]} & {state.value for state in WORKING}
    openai.faults()
    time.sleep(2.5)  # the lease of the process that was killed
    swept = worker.run("backfill", {"select": "waiting"})
    assert swept["type"] == "COMPLETED", swept
    ended = dict(rows(variables["DATABASE_URL"], STATES))
    assert (ended["barn.md"], ended["mill.md"]) == ("complete", "complete")
    assert openai.stats()["repeated_inputs"] <= 256


def test_prefect_never_sees_a_document_or_a_secret(
    first: dict[str, Any], account: Account, variables: dict[str, str], folder: Path
) -> None:
    """No run, task, log or artifact holds a document's text or name, a path, a key or the URL."""
    told = json.dumps(
        [account.all(what) for what in ("flow_runs", "task_runs", "logs", "artifacts")]
    )
    assert job_titles(variables, "home.md").pop() in told
    for name in ("home.md", "car.md", "encrypted.pdf", "boat.md", "barn.md", folder.name):
        assert name not in told
    assert CANARY not in told
    assert KEY not in told
    assert variables["DATABASE_URL"] not in told
