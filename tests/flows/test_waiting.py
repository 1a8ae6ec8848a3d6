"""Services that fail under real flows: each request has its own attempts, and who waits goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from mocks import OpenAIMock
from pipeline.store.database_urls import driver_url
from tests.flows.corpus import policy
from tests.flows.working import Worker, rows

pytestmark = pytest.mark.slow

HASTY = {
    "NAVIGATOR_SERVICE_PATIENCE_SECONDS": "0.3",
    "NAVIGATOR_EMBEDDING_BATCH_INPUTS": "2",
    "NAVIGATOR_LOG_LEVEL": "WARNING",
}
DOCUMENTS = 12


@pytest.fixture
def asked(openai: OpenAIMock) -> OpenAIMock:
    """The mock server without faults, its counters at zero."""
    openai.reset()
    return openai


def let_window_pass(url: str) -> None:
    """As if the time for which the circuit is open were over."""
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute("UPDATE upload_pipeline.provider_budgets SET opened_until = now()")


def jobs_of(url: str, folder: Path) -> list[tuple[Any, ...]]:
    """State, failures, the service waited for and the error's code of each job of a folder."""
    return rows(
        url,
        f"""
        SELECT j.state, j.failures, j.waits_for IS NOT NULL, j.error_code
        FROM upload_pipeline.upload_jobs AS j
        JOIN upload_pipeline.documents AS d ON d.id = j.document_id
        WHERE d.source LIKE '{folder}%'
        """,
    )


@pytest.mark.long
@pytest.mark.answers_lost(2, "some connections end in the middle of an answer")
def test_faulty_answers_keep_no_document_back(
    worker: Worker, asked: OpenAIMock, module_database_url: str, tmp_path: Path
) -> None:
    """Every seventh answer is one of eight bad ones: all is published in one run."""
    for number in range(DOCUMENTS):
        policy(tmp_path, f"policy-{number}")
    kinds: list[Any] = [
        {"kind": "status", "status": 500}, "reset", "truncated_json", "truncated_body", "not_json",
        "wrong_count", "nan", "zero_vector",
    ]  # fmt: skip
    turns = [{"from": 7 * (place + 1), "every": 7 * len(kinds)} for place in range(len(kinds))]
    asked.faults(*({"fault": k, "schedule": s} for k, s in zip(kinds, turns, strict=True)))
    answer = worker.run("ingest", {"paths": [str(tmp_path)]}, **HASTY)
    assert answer["type"] == "COMPLETED", answer
    assert {row[0] for row in jobs_of(module_database_url, tmp_path)} == {"complete"}
    assert sum(rule["fired"] for rule in asked.fault_stats()) >= 2


def test_only_the_document_without_an_answer_waits(
    worker: Worker, asked: OpenAIMock, module_database_url: str, tmp_path: Path
) -> None:
    """One text that always breaks the service: its document waits with the reason, in its state."""
    for number in range(DOCUMENTS):
        policy(tmp_path, f"other-{number}")
    policy(tmp_path, "poisoned", extra="## Extra\n\nThis clause holds the word arsenic. " * 3)
    broken = {"kind": "status", "status": 500}
    asked.faults({"match": {"contains": "arsenic"}, "fault": broken})
    options = {"batch_size": DOCUMENTS + 1}
    answer = worker.run("ingest", {"paths": [str(tmp_path)], "options": options}, **HASTY)
    assert answer["type"] == "FAILED", answer
    assert f"{DOCUMENTS} published, 1 waiting" in answer["message"]
    found = jobs_of(module_database_url, tmp_path)
    assert [row[0] for row in found].count("complete") == DOCUMENTS
    (waiting,) = [row for row in found if row[0] != "complete"]
    assert waiting[:2] == ("chunks_stored", 0)
    assert waiting[3] in ("service_unavailable", "circuit_open")
    asked.faults()
    let_window_pass(module_database_url)
    worker.run("ingest", {"paths": [str(tmp_path)]}, **HASTY)
    assert {row[0] for row in jobs_of(module_database_url, tmp_path)} == {"complete"}


def test_after_an_outage_one_sweep_probes_and_takes_up_all(
    worker: Worker, asked: OpenAIMock, module_database_url: str, tmp_path: Path
) -> None:
    """An outage ends nothing, however often it is met; one sweep after it publishes everything."""
    for number in range(DOCUMENTS):
        policy(tmp_path, f"late-{number}")
    asked.faults({"fault": {"kind": "status", "status": 503}})
    options = {"batch_size": 4}
    answer = worker.run("ingest", {"paths": [str(tmp_path)], "options": options}, **HASTY)
    assert answer["type"] == "FAILED", answer
    assert f"{DOCUMENTS} waiting" in answer["message"]
    assert "HTTP 503" in answer["message"]
    requests = asked.stats()["requests"]
    for sweep in range(1, 4):
        assert worker.run("backfill", {}, **HASTY)["name"] == "Nothing waits"
        let_window_pass(module_database_url)
        assert worker.run("backfill", {}, **HASTY)["type"] == "FAILED"
        assert asked.stats()["requests"] == requests + sweep, "one probe and no more"
    found = jobs_of(module_database_url, tmp_path)
    assert set(found) == {("chunks_stored", 0, True, "circuit_open")}
    asked.faults()
    let_window_pass(module_database_url)
    swept = worker.run("backfill", {}, **HASTY)
    assert swept["type"] == "COMPLETED", swept
    assert {row[0] for row in jobs_of(module_database_url, tmp_path)} == {"complete"}
