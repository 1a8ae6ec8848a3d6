"""A run that reaches its cap, the next one interrupted, and what waits taken up by `retry`."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mocks import OpenAIMock
from pipeline.store.database_urls import driver_url
from tests.app.navigating import Ended, Navigator, ended

DOCUMENTS = 3


@pytest.fixture(scope="module")
def mock() -> Iterator[OpenAIMock]:
    """The OpenAI mock server."""
    with OpenAIMock(process=True) as running:
        yield running


@pytest.fixture(scope="module")
def paying(
    mock: OpenAIMock,
    prefect_url: str,
    navigator: Navigator,
    module_database_url: str,
    scratch: Path,
) -> Navigator:
    """The command with an empty database and an embedder that charges a dollar for 1,000 tokens."""
    return Navigator(
        scratch / "paying",
        {
            "PREFECT_API_URL": prefect_url,
            "NAVIGATOR_PREFECT_AUTH_FILE": str(navigator.home / "prefect" / "auth-string"),
            "DATABASE_URL": module_database_url,
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": mock.base_url,
            "NAVIGATOR_EMBEDDING_USD_PER_MILLION_TOKENS": "1000",
            "NAVIGATOR_BATCH_SIZE": "1",
            "NAVIGATOR_CONCURRENCY": "1",
        },
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three documents of about 60 tokens, and a file of another type."""
    made = tmp_path_factory.mktemp("documents")
    for number in range(DOCUMENTS):
        words = f"Policy {number} covers the insured against loss by fire and theft. " * 4
        (made / f"policy-{number}.md").write_text(f"# Policy {number}\n\n{words}\n")
    (made / "picture.png").write_bytes(b"\x89PNG")
    return made


@pytest.fixture(scope="module")
def planned(paying: Navigator, mock: OpenAIMock, folder: Path) -> dict[str, Any]:
    """The plan, made before anything else."""
    plan: dict[str, Any] = paying.here("plan", folder, "--json").json
    assert mock.stats()["requests"] == 0, "a plan pays nothing"
    return plan


@pytest.fixture(scope="module")
def capped(paying: Navigator, folder: Path, planned: dict[str, Any]) -> Ended:
    """An ingest with a cap of half of what the plan foresees."""
    return paying("ingest", folder, "--max-cost", planned["cost_usd"] / 2, "--json")


@pytest.fixture(scope="module")
def interrupted(
    paying: Navigator, mock: OpenAIMock, folder: Path, module_database_url: str, capped: Ended
) -> Ended:
    """The next ingest, stopped by Ctrl-C while it waits for the embedder."""
    mock.faults({"fault": {"kind": "hang", "seconds": 60}})
    process = paying.start("ingest", folder)
    with _watching(module_database_url) as watcher:
        deadline = time.monotonic() + 240
        while not _held(watcher):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        # The claim is there; let the request go out.
        time.sleep(2)
    process.send_signal(signal.SIGINT)
    stopped = ended(process)
    mock.faults()
    return stopped


@pytest.fixture(scope="module")
def retried(paying: Navigator, interrupted: Ended) -> Ended:
    """The waiting documents taken up by name."""
    waiting = paying.here("list", "--state", "waiting", "--json").json["documents"]
    return paying("retry", *(each["name"] for each in waiting))


def _watching(url: str) -> psycopg.Connection[tuple[int]]:
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def _held(watcher: psycopg.Connection[tuple[int]]) -> int:
    found = watcher.execute(
        "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE claimed_by IS NOT NULL"
    ).fetchone()
    assert found is not None
    return found[0]


def test_a_plan_foresees_the_price(planned: dict[str, Any]) -> None:
    """Dollars are tokens at the embedder's price, and files of other types are counted."""
    assert planned["tokens"] > 100
    assert planned["cost_usd"] == pytest.approx(planned["tokens"] / 1000)
    assert planned["skipped"] == {".png": 1}


def test_a_run_stops_at_its_cap(capped: Ended, planned: dict[str, Any]) -> None:
    """With --max-cost a run ends before it would pass the cap, and says so."""
    assert capped.code == 1
    assert capped.json["stopped"] == "The cost cap of this run is reached."
    assert 0 < capped.json["cost_usd"] <= planned["cost_usd"] / 2
    ends = sorted(each["status"] for each in capped.json["documents"])
    assert ends == ["published", "stopped", "stopped"]
    assert "Left out 1 file of another type: 1 .png; pictures are read with" in capped.err


def test_an_interruption_releases_every_claim(
    paying: Navigator, interrupted: Ended, module_database_url: str
) -> None:
    """Ctrl-C ends with a sentence and 130; nothing is held, and the run says who stopped it."""
    assert interrupted.code == 130, interrupted.err
    assert "Stopped. What was finished is kept" in interrupted.err
    with _watching(module_database_url) as watcher:
        assert _held(watcher) == 0
    runs = paying.here("status", "--json").json["runs"]
    assert "A person stopped the run." in [run["stopped"] for run in runs]


def test_a_later_run_goes_on_and_pays_nothing_twice(
    retried: Ended, paying: Navigator, mock: OpenAIMock
) -> None:
    """What waited is published, and no text was answered for money a second time."""
    assert retried.code == 0, retried.err
    assert "2 documents: 2 published" in retried.out
    corpus = paying.here("status", "--json").json
    assert corpus["by_state"] == {"complete": DOCUMENTS}
    assert corpus["tokens"] == mock.stats()["billed_tokens"]


def test_a_retry_of_what_did_not_fail_is_wrong_use(navigator: Navigator) -> None:
    """A published document is not retried."""
    wrong = navigator.here("retry", "auto-policy.pdf")
    assert (wrong.code, "did not fail" in wrong.err) == (2, True)
