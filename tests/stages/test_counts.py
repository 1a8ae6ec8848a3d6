"""What a document costs where the machine does not matter: statements, bytes, requests, inputs.

`MOST` is the one place of the limits: at most a tenth above what a document took when they were
written. Whoever makes ingestion cheaper lowers them; whoever has to raise one says why in the
changelog.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from mocks import OpenAIMock
from pipeline.store.database_urls import driver_url
from tests.conftest import administer
from tests.flows.corpus import Opener, policy
from tests.ingesting import ingest

DOCUMENTS = 32


@dataclass(frozen=True, slots=True)
class Counts:
    """What an ingest cost, for each of its documents.

    Attributes:
        statements: that left for Postgres, COPY among them.
        row_writes: rows inserted, updated and deleted in Postgres.
        wal_bytes: what Postgres wrote down of it, without images of whole pages.
    """

    statements: float
    transactions: float
    row_writes: float
    wal_bytes: float
    embedding_requests: float
    embedding_inputs: float


MOST = {
    "a document alone": Counts(144, 49, 440, 168_000, 1, 4),
    "a document of many": Counts(4.6, 1.55, 112, 118_000, 0.03, 6),
    "an unchanged document of many": Counts(1.55, 0.6, 3.2, 1_800, 0, 0),
}
"""At most, for each document of the run."""

_WRITTEN = """
    SELECT tup_inserted + tup_updated + tup_deleted, xact_commit + xact_rollback
    FROM pg_stat_database WHERE datname = current_database()
"""
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_LOGGED = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


_QUIET = {"full_page_writes": "off", "autovacuum": "off"}
"""What else Postgres writes hangs on the time: whole pages after a checkpoint, and vacuuming."""


@pytest.fixture
def quiet_postgres(postgres_url: str) -> Iterator[None]:
    """A Postgres that writes down what it is asked for alone."""
    for name, value in _QUIET.items():
        administer(postgres_url, f"ALTER SYSTEM SET {name} = {value}")
    administer(postgres_url, "SELECT pg_reload_conf()")
    yield
    for name in _QUIET:
        administer(postgres_url, f"ALTER SYSTEM RESET {name}")
    administer(postgres_url, "SELECT pg_reload_conf()")


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what leaves for Postgres, whoever wrote it."""
    counted: Counter[str] = Counter()
    for method in ("execute", "executemany", "copy"):
        original = getattr(psycopg.AsyncCursor, method)

        def counting(self: Any, *arguments: Any, _original: Any = original, **named: Any) -> Any:
            counted["statements"] += 1
            return _original(self, *arguments, **named)

        monkeypatch.setattr(psycopg.AsyncCursor, method, counting)
    return counted


async def test_a_document_costs_no_more_than_it_did(
    remote: Opener,
    openai: OpenAIMock,
    database_url: str,
    statements: Counter[str],
    quiet_postgres: None,
    tmp_path: Path,
) -> None:
    """No count of a document is above its limit: one of many, one alone, and an unchanged one."""
    first, many, one = (tmp_path / name for name in ("first", "many", "one"))
    for folder in (first, many, one):
        folder.mkdir()
    policy(first, "first")
    policy(one, "one")
    for number in range(DOCUMENTS):
        policy(many, f"number-{number}")
    user, documents = uuid4(), {first: 1, many: DOCUMENTS, one: 1}

    async def ingested(folder: Path) -> Counts:
        openai.reset()
        before = _of_postgres(database_url)
        async with remote() as services:
            statements.clear()
            await ingest(services, [folder], user)
            sent = statements["statements"]
        after, stats = _of_postgres(database_url), openai.stats()
        written, transactions, logged = (
            late - early for early, late in zip(before, after, strict=True)
        )
        found = (sent, transactions, written, logged, stats["requests"], stats["inputs"])
        return Counts(*(round(each / documents[folder], 2) for each in found))

    await ingested(first)  # opens and prepares everything
    found = {
        "a document alone": await ingested(one),
        "a document of many": await ingested(many),
        "an unchanged document of many": await ingested(many),
    }
    above = {
        f"{kind}: {name}": f"{value}, at most {asdict(MOST[kind])[name]}"
        for kind, counts in found.items()
        for name, value in asdict(counts).items()
        if value > asdict(MOST[kind])[name]
    }
    assert not above, f"{above}; all of it: {found}"


def _of_postgres(url: str) -> tuple[int, int, int]:
    """Row writes and transactions of the database, and bytes of its server's log."""
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        # A backend tells what it did when it ends.
        while connection.execute(_OTHERS).fetchone() != (0,):
            time.sleep(0.02)
        written = connection.execute(_WRITTEN).fetchone()
        logged = connection.execute(_LOGGED).fetchone()
    assert written is not None and logged is not None
    return int(written[0]), int(written[1]), int(logged[0])
