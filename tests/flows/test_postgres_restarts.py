"""Postgres is down at the start and restarts again and again: the command waits, and ends well."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from mocks import OpenAIMock
from pipeline.store.embedded import start_embedded, stop_embedded
from tests.app.navigating import Navigator
from tests.bill_checking import account
from tests.conftest import administer
from tests.flows.working import KEY, rows
from tests.postgres_restarts import Restarts
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(300)]

DOCUMENTS, BATCH_INPUTS, CONCURRENCY = 10, 4, 2
RESTARTS, REQUESTS_BETWEEN = 5, 3


@pytest.fixture
def folder(scratch: Path) -> Iterator[Path]:
    """A Postgres of the test's own, held for as long as it runs."""
    folder = scratch / "restarting"
    start_embedded(folder)
    yield folder
    stop_embedded(folder)


def policies(folder: Path) -> Path:
    """Documents of several chunks each."""
    for number in range(DOCUMENTS):
        parts = (f"## Loss {part}\n\n" + f"Policy {number} pays {part}00 dollars. " * 20
                 for part in range(4))  # fmt: skip
        (folder / f"policy-{number}.md").write_text("\n\n".join([f"# Policy {number}", *parts]))
    return folder


def collect(lines: Iterable[str], told: list[str]) -> None:
    """Note lines as they come."""
    for line in lines:  # one by one: they are looked at meanwhile
        told += [line]


def test_restarts_are_waited_out(
    folder: Path, prefect_server: PrefectServer, tmp_path: Path, scratch: Path
) -> None:
    """From connecting and migrating to the report: all is published, little is paid again."""
    url, name = start_embedded(folder), f"restarts_{uuid4().hex[:8]}"
    administer(url, f"CREATE DATABASE {name}")
    own = sa.make_url(url).set(database=name).render_as_string(hide_password=False)
    with account.database(own), OpenAIMock(api_key=KEY, latency=0.3) as openai:
        navigator = Navigator(tmp_path / "home", {
            "DATABASE_URL": own,
            "PREFECT_API_URL": prefect_server.url,
            "PREFECT_HOME": str(prefect_server.folder / "client"),
            "NAVIGATOR_CHUNK_TOKENS": "64",
            "NAVIGATOR_CHUNK_OVERLAP_TOKENS": "8",
            "NAVIGATOR_EMBEDDING_BATCH_INPUTS": str(BATCH_INPUTS),
            "NAVIGATOR_EMBEDDING_CONCURRENCY": str(CONCURRENCY),
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": openai.base_url,
        })  # fmt: skip
        (tmp_path / "policies").mkdir()
        arguments = ("ingest", policies(tmp_path / "policies"))
        told: list[str] = []

        def due(count: int) -> bool:
            if count == 0:  # the command has met a Postgres that is not there
                return any("Waiting for it" in line for line in told)
            requests = openai.stats()["requests"]  # at once while it migrates, then now and then
            return count < RESTARTS and requests >= (count - 1) * REQUESTS_BETWEEN

        with Restarts(folder, due) as restarts, navigator.start(*arguments) as process:
            assert process.stderr is not None and process.stdout is not None
            listening = threading.Thread(target=collect, args=[process.stderr, told])
            listening.start()
            out = process.stdout.read()
            code = process.wait(240)
            listening.join()
        err = "".join(told)
        again = openai.stats()["repeated_inputs"]
    assert code == 0, out + err
    assert "Traceback" not in out + err
    assert restarts.count == RESTARTS
    states = rows(own, "SELECT state, count(*) FROM upload_pipeline.upload_jobs GROUP BY 1")
    assert states == [("complete", DOCUMENTS)]
    assert again <= BATCH_INPUTS * CONCURRENCY * restarts.count
