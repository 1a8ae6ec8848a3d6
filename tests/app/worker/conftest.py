"""Warm workers on a real server, with a provider that can be made slow."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from mocks import OpenAIMock
from pipeline.store.database_urls import driver_url
from tests.deployments.conftest import DeployedServer, deployed
from tests.prefect_server import ROOT, PrefectServer, started

__all__ = ["deployed"]

START_SECONDS = 300

LEFT_OPEN = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
"""For tests of a worker in their own process: see `what_prefect_leaves`."""


@dataclass
class WarmWorker:
    """`navigator worker` in a process of its own."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_polling(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while "started!" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 40) -> int:
        """Send it a signal and wait; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


@dataclass
class Pool:
    """The work pool with its workers, its documents and its provider."""

    server: DeployedServer
    database_url: str
    home: Path
    openai: OpenAIMock
    start_worker: Callable[[], WarmWorker]
    running: list[WarmWorker]

    def worker(self) -> WarmWorker:
        """The worker that runs, or a new one: what one test leaves running, the next one uses."""
        alive = [each for each in self.running if each.process.poll() is None]
        return alive[-1] if alive else self.start_worker()

    def query(self, statement: str) -> list[Any]:
        url = driver_url(self.database_url).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            return connection.execute(statement).fetchall()

    def claims(self) -> int:
        """Jobs that somebody holds."""
        [(count,)] = self.query(
            "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE claimed_by IS NOT NULL"
        )
        return int(count)

    def state(self, flow_run: str) -> dict[str, Any]:
        found: dict[str, Any] = self.server.api.get(f"/flow_runs/{flow_run}").json()
        return found

    def until(self, flow_run: str, *types: str, seconds: float = 120) -> dict[str, Any]:
        """The flow run, once its state is one of these."""
        deadline = time.monotonic() + seconds
        while (found := self.state(flow_run))["state_type"] not in types:
            assert time.monotonic() < deadline, found["state"]
            time.sleep(0.05)
        return found

    def until_claimed(self) -> None:
        deadline = time.monotonic() + 240
        while not self.claims():
            assert time.monotonic() < deadline, "nothing was claimed"
            time.sleep(0.05)


@pytest.fixture(scope="session")
def fresh_prefect_server(scratch: Path) -> Iterator[PrefectServer]:
    """One server beside the session's for the tests of this folder, each with a pool of its own."""
    with started(scratch / "pools") as server:
        yield server


@pytest.fixture(autouse=True)
def what_prefect_leaves(request: pytest.FixtureRequest) -> Iterator[None]:
    """A worker in the test's process leaves connections to the garbage collector, as Prefect does.

    They end with the test, and not with one that they have nothing to do with. One that is
    collected sooner is ignored by `LEFT_OPEN`.
    """
    yield
    if "fresh_prefect_server" in request.fixturenames:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIMock]:
    """A mock server in a thread of the test's process."""
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture(scope="module")
def pool(
    prefect_server: PrefectServer,
    deployed: DeployedServer,
    module_database_url: str,
    openai: OpenAIMock,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pool]:
    """Deployments, database and provider for the module's workers."""
    folder = tmp_path_factory.mktemp("workers")
    running: list[WarmWorker] = []
    environment = prefect_server.environment | {
        "DATABASE_URL": module_database_url,
        "NAVIGATOR_HOME": str(folder / "home"),
        "NAVIGATOR_INGEST_ROOTS": str(tmp_path_factory.getbasetemp()),
        "NAVIGATOR_EMBEDDER": "openai",
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": openai.base_url,
        "NAVIGATOR_PARSE_WORKERS": "1",
        "NAVIGATOR_LEASE_SECONDS": "600",  # nothing is freed by running out
    }

    def start() -> WarmWorker:
        log = folder / f"worker-{len(running)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", "worker", "--limit", "4"],
                env=environment | {"PYTHONPATH": str(ROOT)}, cwd=folder,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        worker = WarmWorker(process, log)
        running.append(worker)
        worker.wait_until_polling()
        return worker

    try:
        yield Pool(deployed, module_database_url, folder / "home", openai, start, running)
    finally:
        for worker in running:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()


@pytest.fixture
def policy(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A folder with one document of the test's own."""
    path = tmp_path / "policy.md"
    path.write_text(f"# {request.node.name}\n\nThe deductible of {os.urandom(8).hex()} is 500.\n")
    return str(tmp_path)


@pytest.fixture
def slow(openai: OpenAIMock) -> Iterator[Callable[[], None]]:
    """The provider takes a minute to answer, until the function is called."""
    control = openai.base_url.removesuffix("/v1")

    def load(script: list[dict[str, object]]) -> None:
        httpx.post(f"{control}/__mock/faults", json=script).raise_for_status()

    load([{"service": "openai", "match": {"path": "/v1/embeddings"},
           "fault": {"kind": "latency", "seconds": 60}}])  # fmt: skip
    yield lambda: load([])
    load([])
