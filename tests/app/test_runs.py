"""Runs that spend, stop, are interrupted and retried, with a Prefect server that is named."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mocks import OpenAIMock
from pipeline.store.engine import driver_url
from tests.app.navigating import Navigator, ended

DOCUMENTS = 3


@pytest.fixture(scope="module")
def mock() -> Iterator[OpenAIMock]:
    """The OpenAI stand-in."""
    with OpenAIMock(process=True) as running:
        yield running


@pytest.fixture
def paying(mock: OpenAIMock, prefect_url: str, database_url: str, tmp_path: Path) -> Navigator:
    """The command with an empty database and an embedder that charges a dollar for 1,000 tokens."""
    mock.reset()
    return Navigator(
        tmp_path / "home",
        {
            "PREFECT_API_URL": prefect_url,
            "DATABASE_URL": database_url,
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": mock.base_url,
            "NAVIGATOR_EMBEDDING_USD_PER_MILLION_TOKENS": "1000",
        },
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three documents of about 60 tokens, and a file of another type."""
    made = tmp_path / "documents"
    made.mkdir()
    for number in range(DOCUMENTS):
        words = f"Policy {number} covers the insured against loss by fire and theft. " * 4
        (made / f"policy-{number}.md").write_text(f"# Policy {number}\n\n{words}\n")
    (made / "picture.png").write_bytes(b"\x89PNG")
    return made


def test_a_run_stops_at_its_cap_and_a_later_run_goes_on(
    paying: Navigator, mock: OpenAIMock, folder: Path
) -> None:
    """With --max-cost a run stops before it passes the cap; nothing is paid for twice."""
    planned = paying.here("plan", folder, "--json").json
    assert mock.stats()["requests"] == 0
    assert planned["cost_usd"] == pytest.approx(planned["tokens"] / 1000)
    cap = planned["cost_usd"] * 0.5
    options = ("--batch-size", 1, "--concurrency", 1)
    stopped = paying("ingest", folder, *options, "--max-cost", cap, "--json")
    assert stopped.code == 1
    assert stopped.json["stopped"] == "The cost cap of this run is reached."
    assert stopped.json["skipped"] == {".png": 1}
    assert 0 < stopped.json["cost_usd"] <= cap
    ends = [each["status"] for each in stopped.json["documents"]]
    assert sorted(ends) == ["published", "waiting", "waiting"]
    rest = paying("ingest", folder, *options)
    assert rest.code == 0
    assert "3 documents: 3 published" in rest.out or "2 published, 1 unchanged" in rest.out
    assert mock.stats()["repeated_inputs"] == 0


def test_an_interruption_releases_every_claim(
    paying: Navigator, mock: OpenAIMock, folder: Path, database_url: str
) -> None:
    """Ctrl-C in the middle of embedding ends with a sentence and 130, and leaves nothing held."""
    mock.faults({"fault": {"kind": "hang", "seconds": 60}})
    process = paying.start("ingest", folder, "--batch-size", 10)
    url = driver_url(database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as watcher:
        _wait_for(watcher, "state = 'chunks_stored' AND claimed_by IS NOT NULL", DOCUMENTS)
        process.send_signal(signal.SIGINT)
        stopped = ended(process)
        assert stopped.code == 130, stopped.err
        assert "Stopped. What was finished is kept" in stopped.err
        _wait_for(watcher, "state = 'chunks_stored' AND claimed_by IS NULL", DOCUMENTS)
    (run,) = paying.here("status", "--json").json["runs"]
    assert run["stopped"] == "A person stopped it."


def _wait_for(watcher: psycopg.Connection[tuple[int]], condition: str, jobs: int) -> None:
    deadline = time.monotonic() + 90
    count = f"SELECT count(*) FROM upload_pipeline.upload_jobs WHERE {condition}"
    while watcher.execute(count).fetchone() != (jobs,):  # type: ignore[call-overload]
        assert time.monotonic() < deadline, condition
        time.sleep(0.2)


def test_a_retry_uses_the_settings_of_today(
    navigator: Navigator, prefect_url: str, tmp_path: Path
) -> None:
    """A failed document is tried again from its last good state; its history says by whom."""
    broken = "workers-compensation-encrypted.pdf"
    tried = navigator("retry", broken, "--json", PREFECT_API_URL=prefect_url)
    assert tried.code == 1
    (document,) = tried.json["documents"]
    assert (document["status"], document["error"]["code"]) == ("failed", "file_is_encrypted")
    story = navigator.here("status", broken, "--json").json
    steps = [(e["from_state"], e["to_state"], e["actor"]) for e in story["events"]]
    assert ("failed_parse", "uploaded", "person") in steps
    assert story["events"][-1]["to_state"] == "failed_parse"
    wrong = navigator.here("retry", "auto-policy.pdf")
    assert (wrong.code, "did not fail" in wrong.err) == (2, True)
