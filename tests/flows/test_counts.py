"""What a document costs where the machine does not matter: statements, bytes, requests, calls.

`MOST` is the one place of the limits: a little above what a document took when they were written.
Whoever makes ingestion cheaper lowers them; whoever has to raise one says why in the changelog.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mocks import OpenAIMock
from pipeline.store.database_urls import driver_url
from tests.conftest import administer
from tests.flows.corpus import policy
from tests.flows.working import Worker, rows, start_worker
from tests.prefect_server import PrefectServer

DOCUMENTS = 16


@dataclass(frozen=True, slots=True)
class Counts:
    """What an ingest cost, for each of its documents.

    Attributes:
        row_writes: rows inserted, updated and deleted in Postgres.
        wal_bytes: what Postgres wrote down of it, without images of whole pages.
    """

    statements: float
    transactions: float
    row_writes: float
    wal_bytes: float
    embedding_requests: float
    embedding_inputs: float
    prefect_calls: float


MOST = {
    "a document of many": Counts(1, 1, 1, 1, 1, 1, 1),
    "a document alone": Counts(1, 1, 1, 1, 1, 1, 1),
    "an unchanged document of many": Counts(1, 1, 1, 1, 1, 1, 1),
}
"""At most, for each document of the run."""

_TRANSACTIONS = """
    SELECT xact_commit + xact_rollback, tup_inserted + tup_updated + tup_deleted
    FROM pg_stat_database WHERE datname = current_database()
"""


@pytest.fixture(scope="module")
def counting_worker(
    prefect_server: PrefectServer,
    variables: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    postgres_url: str,
) -> Iterator[Worker]:
    """A worker that counts; the session's Postgres writes no images of whole pages meanwhile."""
    administer(postgres_url, "ALTER SYSTEM SET full_page_writes = off")
    administer(postgres_url, "SELECT pg_reload_conf()")
    administer(postgres_url, "CHECKPOINT")
    folder = tmp_path_factory.mktemp("counting")
    worker = start_worker(
        folder, prefect_server.environment, variables, module="tests.flows.counting"
    )
    yield worker
    worker.end()
    administer(postgres_url, "ALTER SYSTEM RESET full_page_writes")
    administer(postgres_url, "SELECT pg_reload_conf()")


@pytest.fixture(scope="module")
def found(
    counting_worker: Worker,
    openai: OpenAIMock,
    variables: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Counts]:
    """What was counted, after a first run that opened and prepared everything."""
    first, many, one = (tmp_path_factory.mktemp(name) for name in ("first", "many", "one"))
    policy(first, "first")
    policy(one, "one")
    for number in range(DOCUMENTS):
        policy(many, f"number-{number}")

    def ingested(folder: Path) -> Counts:
        return _ingested(counting_worker, openai, variables["DATABASE_URL"], folder)

    ingested(first)
    return {
        "a document of many": ingested(many),
        "a document alone": ingested(one),
        "an unchanged document of many": ingested(many),
    }


@pytest.mark.parametrize("kind", MOST)
def test_a_document_costs_no_more_than_it_did(kind: str, found: dict[str, Counts]) -> None:
    """No count of a document is above its limit."""
    most, counted = asdict(MOST[kind]), asdict(found[kind])
    above = {name: (counted[name], most[name]) for name in most if counted[name] > most[name]}
    assert not above, f"{kind} costs (now, at most): {above}; all of it: {counted}"


def _ingested(worker: Worker, openai: OpenAIMock, url: str, folder: Path) -> Counts:
    before = _of_postgres(url), _of_endpoint(openai)
    answer = worker.run("ingest", {"paths": [str(folder)]})
    assert answer["name"] == "Completed", answer
    after = _of_postgres(url), _of_endpoint(openai)
    documents = len(list(folder.iterdir()))
    counted: dict[str, Any] = answer["counted"]
    transactions, row_writes, wal, requests, inputs = (
        round((late - early) / documents, 2)
        for early, late in zip(
            (*before[0], *before[1]), (*after[0], *after[1]), strict=True
        )
    )  # fmt: skip
    return Counts(
        round(counted["statements"] / documents, 2), transactions, row_writes, wal,
        requests, inputs, round(counted["prefect calls"] / documents, 2),
    )  # fmt: skip


def _of_postgres(url: str) -> tuple[int, int, int]:
    """Transactions and row writes of the database, and bytes of its server's log."""
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        # A backend that has ended has told what it did; the worker's end with its run.
        connection.execute("SELECT pg_stat_force_next_flush()")
    [(transactions, row_writes)] = rows(url, _TRANSACTIONS)
    [(wal,)] = rows(url, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
    return transactions, row_writes, wal


def _of_endpoint(openai: OpenAIMock) -> tuple[int, int]:
    stats = openai.stats()
    return stats["requests"], stats["inputs"]
