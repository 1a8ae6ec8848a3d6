"""Workers on two hosts: database, Prefect and bucket over the network, nothing else shared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa

from pipeline.store.database_urls import driver_url
from tests import s3
from tests.deployments.hosts import CENTER, Host, hosts, possible, reachable
from tests.prefect_server import ROOT, PrefectServer, started

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not possible(), reason="making network namespaces needs root on Linux"),
]


@dataclass(frozen=True)
class Network:
    """The two hosts, and what they need to know of the center."""

    hosts: list[Host]
    environment: dict[str, str]
    database_url: str
    folder: Path

    def query(self, statement: str) -> list[Any]:
        url = driver_url(self.database_url).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            return connection.execute(statement).fetchall()

    def ingest(self, documents: int) -> dict[str, Any]:
        """Have a third machine hand over documents, four in a batch; what it reports."""
        source = self.folder / f"documents-{documents}"
        source.mkdir(exist_ok=True)
        for number in range(documents):
            text = f"# Policy {number}\n\nThe deductible of plan {number} is {number}00 dollars.\n"
            (source / f"{number}.md").write_text(text)
        home = self.folder / "center"
        done = subprocess.run(
            [sys.executable, "-m", "app", "ingest", str(source), "--batch-size", "4", "--json"],
            env={**self.environment, "NAVIGATOR_HOME": str(home), "PYTHONPATH": str(ROOT)},
            cwd=self.folder, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found | {"told": done.stderr}


@pytest.fixture(scope="module")
def center() -> Iterator[list[Host]]:
    with hosts("nav-north", "nav-south") as made:
        yield made


@pytest.fixture(scope="module")
def server(center: list[Host], tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A Prefect server that may be called by the center's address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAVIGATOR_PREFECT_HOSTS", f"127.0.0.1 localhost {CENTER}")
        with started(tmp_path_factory.mktemp("prefect")) as made:
            made.prefect("work-pool", "create", "navigator", "--type", "process", "--overwrite")
            made.prefect("deploy", "--name", "ingest-documents")
            yield made


@pytest.fixture(scope="module")
def network(
    center: list[Host],
    server: PrefectServer,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Network]:
    """Everything at the center, reached by its address."""
    url = sa.make_url(module_database_url)
    folder = str(url.query["host"])
    port = int(str(url.query.get("port", url.port or 5432)))
    with (
        s3.s3() as endpoint,
        reachable(f"{folder}/.s.PGSQL.{port}") as postgres,
        reachable(str(urlsplit(endpoint).port)) as storage,
        reachable(str(urlsplit(server.url).port)) as prefect,
    ):
        bucket = s3.make(endpoint)
        options = bucket.options | {"endpoint": f"http://{CENTER}:{storage}"}
        there = url.set(host=CENTER, port=postgres, query={})
        environment = server.environment | {
            "PREFECT_API_URL": f"http://{CENTER}:{prefect}/api",
            "DATABASE_URL": there.render_as_string(hide_password=False),
            "NAVIGATOR_STORAGE_URL": bucket.url,
            "NAVIGATOR_STORAGE_OPTIONS": json.dumps(options),
            "NAVIGATOR_WORK_POOL": "navigator",
            "NAVIGATOR_PLAIN_HOSTS": CENTER,  # a network of our own, without TLS
            "NAVIGATOR_EMBEDDER": "wordllama",
            "NAVIGATOR_PARSE_WORKERS": "1",
        }
        environment = {k: v for k, v in environment.items() if k != "PYTEST_CURRENT_TEST"}
        folder_of_all = tmp_path_factory.mktemp("network")
        yield Network(center, environment, module_database_url, folder_of_all)


def test_both_hosts_take_part(network: Network) -> None:
    """A run's batches are published by both hosts' workers, which share no file."""
    north, south = network.hosts
    with (
        north.worker(network.folder / "north", network.environment),
        south.worker(network.folder / "south", network.environment),
    ):
        report = network.ingest(60)
    [(published,)] = network.query(
        "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE state = 'complete'"
    )
    assert published == 60, report["told"]
    actors = network.query(
        "SELECT DISTINCT split_part(actor, '/', 1) FROM upload_pipeline.job_events"
        " WHERE to_state = 'complete'"
    )
    assert {name for (name,) in actors} == {"nav-north", "nav-south"}
    assert os.uname().nodename not in {"nav-north", "nav-south"}


def test_a_host_with_another_storage_takes_nothing(network: Network) -> None:
    """A worker with a storage of its own refuses and says so; its documents wait for another."""
    north, south = network.hosts
    own = {k: v for k, v in network.environment.items() if "STORAGE" not in k}
    with south.worker(network.folder / "south", own):
        report = network.ingest(6)
    assert "This worker's storage does not have the files" in report["told"]
    states = "SELECT DISTINCT state FROM upload_pipeline.upload_jobs WHERE state LIKE 'failed%'"
    assert network.query(states) == []
    with north.worker(network.folder / "north", network.environment):
        assert network.ingest(6)["all_fine"]
