"""Processes whose clocks are a day ahead and a day behind work beside each other.

Leases are given and end by the database's clock, so that none is lost and none is kept for ever.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.chaos.generated_documents import write_policies
from app.chaos.installations import SETTINGS
from mocks import OpenAIMock
from pipeline.store.database_urls import driver_url
from pipeline.worker_identity import process_of
from tests.clocks import DAY

DOCUMENTS = 2
SECONDS = 150
LEASES = (
    ("upload_pipeline.upload_jobs", "lease_until"),
    ("upload_pipeline.document_vector_buffer", "lease_until"),
    ("upload_pipeline.ingest_runs", "held_until"),
    ("upload_pipeline.unsettled_objects", "held_until"),
)
JOBS, EVENTS = "upload_pipeline.upload_jobs", "upload_pipeline.job_events"
pytestmark = pytest.mark.timeout(300)


class Worker:
    """A process whose children ingest by a clock of their own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.killing"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def begin(self, folder: Path, environment: dict[str, str], clock: float) -> None:
        """Have a child ingest a folder, without waiting for it."""
        stdin = self._process.stdin
        assert stdin is not None
        request = {"environment": environment, "paths": [str(folder)], "clock": clock}
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()

    def ended(self) -> int:
        """The exit code of the child, once it has ended."""
        assert self._process.stdout is not None
        return int(json.loads(self._process.stdout.readline()))

    def end(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(SECONDS)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def workers() -> Iterator[tuple[Worker, Worker]]:
    """Two processes."""
    both = Worker(), Worker()
    yield both
    for worker in both:
        worker.end()


@pytest.fixture
def openai() -> Iterator[OpenAIMock]:
    """A mock server that takes its time, and counts what it bills."""
    with OpenAIMock(latency=0.5) as mock:
        yield mock


@pytest.fixture
def environment(database_url: str, openai: OpenAIMock, tmp_path: Path) -> dict[str, str]:
    """Small requests: a lease is renewed before the work is done."""
    return {
        **SETTINGS,
        "DATABASE_URL": database_url,
        "NAVIGATOR_HOME": str(tmp_path / "home"),
        "NAVIGATOR_LEASE_SECONDS": "9",
        "NAVIGATOR_EMBEDDING_BATCH_INPUTS": "2",
        "NAVIGATOR_FAILPOINT": "",
        "OPENAI_BASE_URL": openai.base_url,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The documents of both."""
    write_policies(tmp_path / "policies", DOCUMENTS, seed=1)
    return tmp_path / "policies"


def query(url: str, statement: str) -> list[Any]:
    """Rows of a statement."""
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        return connection.execute(statement).fetchall()


def until(seen: Callable[[], Any]) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + SECONDS
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def assert_published_and_bought_once(url: str, openai: OpenAIMock) -> None:
    """Every document is published, and no text was sent a second time."""
    states = query(url, f"SELECT state FROM {JOBS}")
    assert states == [("complete",)] * DOCUMENTS
    stats = openai.stats()
    assert (stats["repeated_inputs"], stats["billed_tokens"]) == (0, stats["unique_tokens"])


def assert_leases_end_soon(url: str) -> None:
    """Every lease was given by the clock of Postgres: it is not over, and not as long as a day."""
    leases = [
        until
        for table, column in LEASES
        for (until,) in query(
            url, f"SELECT {column} - now() FROM {table} WHERE {column} IS NOT NULL"
        )
    ]
    assert leases
    assert all(abs(left.total_seconds()) < DAY / 2 for left in leases), leases


def test_no_lease_is_lost(
    workers: tuple[Worker, Worker], environment: dict[str, str], folder: Path,
    database_url: str, openai: OpenAIMock,
) -> None:  # fmt: skip
    """What a process a day behind holds and has renewed, one a day ahead leaves to it."""
    behind, ahead = workers
    behind.begin(folder, environment, -DAY)
    # From the first look on: whatever renews a lease later would hide that it was given wrong.
    until(lambda: query(database_url, f"SELECT FROM {JOBS} WHERE claimed_by IS NOT NULL"))
    assert_leases_end_soon(database_url)
    until(lambda: openai.stats()["requests"])
    [(name, given)] = query(database_url, f"SELECT DISTINCT claimed_by, lease_until FROM {JOBS}")
    assert_leases_end_soon(database_url)
    renewed = f"SELECT min(lease_until) FROM {JOBS}"
    until(lambda: query(database_url, renewed) != [(given,)])
    assert_leases_end_soon(database_url)
    ahead.begin(folder, environment, DAY)
    assert (ahead.ended(), behind.ended()) == (0, 0)
    assert_published_and_bought_once(database_url, openai)
    published = f"SELECT DISTINCT actor FROM {EVENTS} WHERE to_state = 'complete'"
    assert query(database_url, published) == [(name,)]


@pytest.mark.long
def test_no_lease_is_kept(
    workers: tuple[Worker, Worker], environment: dict[str, str], folder: Path,
    database_url: str, openai: OpenAIMock,
) -> None:  # fmt: skip
    """What a frozen process a day ahead held, one a day behind publishes when its lease is over."""
    frozen, behind = workers
    stop = {"NAVIGATOR_FAILPOINT": "after-vector-commit:2:stop", "NAVIGATOR_LEASE_SECONDS": "2"}
    frozen.begin(folder, environment | stop, DAY)
    until(lambda: openai.stats()["requests"] >= 2)
    [(name,)] = query(database_url, f"SELECT DISTINCT claimed_by FROM {JOBS}")
    over = f"SELECT bool_and(lease_until < now()) FROM {JOBS}"
    until(lambda: query(database_url, over) == [(True,)])
    behind.begin(folder, environment, -DAY)
    try:
        assert behind.ended() == 0
    finally:
        os.kill(process_of(name), signal.SIGCONT)
    assert frozen.ended() == 0
    assert_published_and_bought_once(database_url, openai)
