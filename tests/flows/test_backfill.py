"""Backfills as flows: paused while they work, killed, begun again; nothing is paid for twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mocks import OpenAIMock
from tests.flows.corpus import policy
from tests.flows.working import Account, Worker, execute, rows, start_worker
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

DOCUMENTS = 4
OTHER = {"NAVIGATOR_CHUNK_TOKENS": "40"}
SLOWLY = {"fault": {"kind": "latency", "seconds": 1}}


@pytest.fixture
def free(openai: OpenAIMock) -> Iterator[OpenAIMock]:
    """The embedder without faults, also afterwards."""
    openai.faults()
    yield openai
    openai.faults()


@pytest.fixture
def asked(worker: Worker, free: OpenAIMock, tmp_path: Path) -> dict[str, Any]:
    """Published documents, and a backfill of them, one at a time."""
    for number in range(DOCUMENTS):
        policy(tmp_path, f"{tmp_path.name}-{number}", sections=2)
    worker.run("ingest", {"paths": [str(tmp_path)]}, NAVIGATOR_CHUNK_TOKENS="64")
    return {
        "select": "outdated",
        "choice": {"source": str(tmp_path)},
        "options": {"batch_size": 1, "concurrency": 1},
        "run_id": str(uuid4()),
    }


def progress(url: str, run: str) -> tuple[int, int]:
    """Documents of the run that are published, and those that were stopped."""
    [found] = rows(
        url,
        f"""
        SELECT count(*) FILTER (WHERE j.state = 'complete'),
               count(*) FILTER (WHERE j.stopped IS NOT NULL)
        FROM upload_pipeline.run_jobs AS r JOIN upload_pipeline.upload_jobs AS j ON j.id = r.job_id
        WHERE r.run_id = '{run}'
        """,
    )
    return int(found[0]), int(found[1])


def until_published(url: str, run: str, least: int) -> None:
    """Wait until so many documents of the run are published."""
    deadline = time.monotonic() + 120
    while progress(url, run)[0] < least:
        assert time.monotonic() < deadline, "the backfill does not come on"
        time.sleep(0.1)


def pause(url: str, run: str) -> None:
    """As `navigator backfill pause` does, in one transaction."""
    execute(
        url,
        f"""
        WITH stopped AS (
            UPDATE upload_pipeline.upload_jobs SET stopped = 'stopped_by_person'
            WHERE run_id = '{run}' AND finished_at IS NULL
        )
        UPDATE upload_pipeline.ingest_runs SET paused_at = now() WHERE id = '{run}'
        """,
    )


def test_a_backfill_is_paused_and_resumed(
    worker: Worker, free: OpenAIMock, module_database_url: str, asked: dict[str, Any]
) -> None:
    """It ends as stopped, no sweep takes it up, and resumed it finishes with what it chose."""
    run = asked["run_id"]
    free.faults(SLOWLY)
    before = free.stats()["repeated_inputs"]
    worker.send("backfill", asked, **OTHER)
    until_published(module_database_url, run, 1)
    pause(module_database_url, run)
    ended = worker.answer()
    assert (ended["type"], ended["name"]) == ("COMPLETED", "Stopped"), ended
    assert "A person paused the backfill" in ended["message"]
    free.faults()
    done, stopped = progress(module_database_url, run)
    assert (1 <= done < DOCUMENTS, done + stopped) == (True, DOCUMENTS)
    assert worker.run("backfill", {}, **OTHER)["name"] == "Nothing waits"
    assert worker.run("backfill", asked, **OTHER)["name"] == "Paused"
    resumed = worker.run("backfill", {**asked, "choice": {}, "resume": True}, **OTHER)
    assert (resumed["type"], resumed["message"]) == (
        "COMPLETED",
        f"Documents: {DOCUMENTS} published",
    )
    assert free.stats()["repeated_inputs"] == before


@pytest.mark.long
def test_a_killed_backfill_goes_on_with_what_it_chose(
    prefect_server: PrefectServer,
    worker: Worker,
    free: OpenAIMock,
    variables: dict[str, str],
    module_database_url: str,
    asked: dict[str, Any],
    tmp_path: Path,
) -> None:
    """Begun again under its id by another worker, it publishes the rest and pays nothing twice."""
    run = asked["run_id"]
    free.faults({"fault": {"kind": "latency", "seconds": 0.5}})
    dying = start_worker(tmp_path, prefect_server.environment, variables)
    before = free.stats()
    dying.send("backfill", asked, **OTHER)
    until_published(module_database_url, run, 2)
    dying.process.kill()
    dying.end()
    free.faults()
    ended = worker.run("backfill", {"run_id": run, "select": "chosen"}, **OTHER)
    assert (ended["type"], ended["message"]) == (
        "COMPLETED",
        f"Documents: {DOCUMENTS} published",
    ), ended
    # At most the one request that was under way when it died is sent again.
    after = free.stats()
    assert after["repeated_inputs"] - before["repeated_inputs"] <= after["largest_request"] < 8


def test_prefect_keeps_no_path(worker: Worker, account: Account) -> None:
    """Of a source that a person typed, nothing is kept there, also when nothing fits it."""
    asked = {"select": "chosen", "choice": {"source": "/private/claims", "tags": ["private"]}}
    assert worker.run("backfill", asked)["name"] == "Nothing to do"
    runs = [run for run in account.all("flow_runs") if run["name"] == "backfill chosen"]
    assert runs
    assert "private" not in str([run["parameters"] for run in runs])


def test_a_backfill_that_says_nothing_is_refused(worker: Worker) -> None:
    """Nobody means everything by leaving the form empty."""
    ended = worker.run("backfill", {"select": "chosen"})
    assert ended["type"] == "FAILED"
    assert "It is not said which documents to take up" in ended["message"]


def test_the_night_leaves_no_trace_when_there_is_nothing(
    worker: Worker, module_database_url: str
) -> None:
    """No run is written down for a night without work."""
    count = "SELECT count(*) FROM upload_pipeline.ingest_runs"
    before = rows(module_database_url, count)
    assert worker.run("backfill", {"select": "nightly"})["name"] == "Nothing to do"
    assert rows(module_database_url, count) == before
