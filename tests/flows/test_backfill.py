"""Backfills as flows: killed and begun again, told to nobody but our database, or without work."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocks import OpenAIMock
from tests.flows.backfilling import DOCUMENTS, OTHER, published, until_published
from tests.flows.working import Account, Worker, rows, start_worker
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(400)]


def test_a_killed_backfill_goes_on_with_what_it_chose(
    prefect_server: PrefectServer,
    worker: Worker,
    openai: OpenAIMock,
    variables: dict[str, str],
    module_database_url: str,
    tmp_path: Path,
) -> None:
    """Begun again under its id by another worker, it publishes the rest and pays nothing twice."""
    asked = published(worker, tmp_path)
    run = asked["run_id"]
    openai.faults({"fault": {"kind": "latency", "seconds": 0.5}})
    dying = start_worker(tmp_path, prefect_server.environment, variables)
    before = openai.stats()
    dying.send("backfill", asked, **OTHER)
    until_published(module_database_url, run, 2)
    dying.process.kill()
    dying.end()
    openai.faults()
    ended = worker.run("backfill", {"run_id": run, "select": "chosen"}, **OTHER)
    assert (ended["type"], ended["message"]) == (
        "COMPLETED",
        f"Documents: {DOCUMENTS} published",
    ), ended
    # At most the one request that was under way when it died is sent again: one document's texts.
    after = openai.stats()
    repeated = after["repeated_inputs"] - before["repeated_inputs"]
    assert repeated <= (after["inputs"] - before["inputs"]) / DOCUMENTS


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
