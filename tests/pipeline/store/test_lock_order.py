"""The one order of locks: it names every table, and the tests' watch finds every inversion."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from uuid import UUID

import pytest
import sqlalchemy as sa

import pipeline.store
import pipeline.store.reconciling
from pipeline.store.engine import Database
from pipeline.store.lock_order import GUARDED, NEVER_WAITED_FOR, ORDER
from pipeline.store.schema import metadata
from tests import lock_checking
from tests.lock_checking import OutOfOrder, locks_of
from tests.pipeline.store.making import (
    register,
    source,
)

JOB = UUID(int=1)
_JOBS = "UPDATE upload_jobs SET failures = failures WHERE id = :id"
_VECTORS = "UPDATE document_vector_buffer SET job_id = job_id WHERE job_id = :id"


async def run(store: Database, *statements: str) -> None:
    async with store.service() as connection:
        for each in statements:
            await connection.execute(sa.text(each), {"id": JOB})


def test_the_order_names_every_table_once() -> None:
    """A new table has to be given its place."""
    tables = [name for name in ORDER if isinstance(name, str)]
    assert sorted(tables) == sorted(table.name for table in metadata.sorted_tables)
    assert len(set(ORDER)) == len(ORDER)
    assert GUARDED.keys() | set(GUARDED.values()) | NEVER_WAITED_FOR <= set(tables)


@pytest.mark.parametrize(
    "statements",
    [
        (_VECTORS, _JOBS),
        ("UPDATE ingest_runs SET cost_usd = 0", "DELETE FROM provider_budgets"),
        ("SELECT id FROM upload_jobs FOR UPDATE",
         "SELECT id FROM documents ORDER BY id FOR NO KEY UPDATE"),
        (_JOBS, "SELECT pg_advisory_xact_lock(620813, 1)"),
        (f"WITH v AS ({_VECTORS} RETURNING job_id) UPDATE upload_jobs AS j "
         "SET failures = 0 FROM v WHERE v.job_id = j.id",),
        (f"WITH j AS ({_JOBS} RETURNING id) DELETE FROM parsed_files",),
        ("DELETE FROM document_chunk_buffer",),
    ],
    ids=["answer", "money", "select", "advisory", "one statement", "unread part", "unguarded"],
)  # fmt: skip
async def test_an_inversion_is_found(store: Database, statements: tuple[str, ...]) -> None:
    """Statements, parts of one, selected rows and advisory locks out of order end the test."""
    with lock_checking.expected() as seen, pytest.raises(OutOfOrder):
        await run(store, *statements)
    assert len(seen) == 1


async def test_rows_locked_late_are_found(store: Database) -> None:
    """Who comes back to a table may change what it has locked, and nothing else."""
    made = await register(store, [source("a"), source("b")])
    first, second = sorted(each.job_id for each in made)
    one = "UPDATE upload_jobs SET failures = failures WHERE id = '{}'"
    await run(store, one.format(first), one.format(second), one.format(first))
    await run(store, one.format(first), _VECTORS, one.format(first))
    with lock_checking.expected(), pytest.raises(OutOfOrder):
        await run(store, one.format(second), one.format(first))
    with lock_checking.expected(), pytest.raises(OutOfOrder):
        await run(store, one.format(first), _VECTORS, one.format(second))


def test_parts_that_nothing_reads_come_last() -> None:
    """Postgres runs them after the statement itself."""
    statement = "WITH a AS (DELETE FROM documents) DELETE FROM upload_jobs"
    assert [each.what for each in locks_of(statement)] == ["upload_jobs", "documents"]
    part = "DELETE FROM documents RETURNING id"
    read = f"WITH a AS ({part}) DELETE FROM uploads USING a"
    assert [each.what for each in locks_of(read)] == ["documents", "uploads"]


def statements() -> Iterator[tuple[str, str]]:
    """Every statement of the store as it is sent, with its name."""
    for package in (pipeline.store, pipeline.store.reconciling):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            yield from _statements_of(found.name, module)


def _statements_of(room: str, module: ModuleType) -> Iterator[tuple[str, str]]:
    for name, value in vars(module).items():
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, sa.TextClause):
                yield f"{room}.{name}", str(each)


# Statements that change rows without locking them in order first, and why they may.
_UNORDERED = {
    "one row, named by its key": {
        "report_seals._REMOVE", "machine_answers._AGAIN", "cost_caps._LOCK", "cost_caps._RAISE",
        "circuit_breaker._FAILURE", "circuit_breaker._PROBE", "circuit_breaker._SUCCESS",
        "alerts._CLOSE", "rate_limits._LIMITS", "rate_limits._PAUSE", "rate_limits._TAKE",
        "leases._RENEW_PARSE", "cost_caps._RESERVE", "cost_caps._SPEND", "job_owners._HOLD",
        "job_owners._LET_GO", "job_owners._RENEW", "parsed_files._FORGET", "parsed_files._RELEASE",
        "parsed_files._REOPEN", "parsed_files._SUBMITTED",
        "parsed_files._SUBMITTING", "runs._BEGIN", "runs._FINISH", "runs._REJECT",
        "sources._CLAIM", "sources._CONCLUDE", "sources._PAUSE", "sources._REMOVE",
        "embedding_spaces._INDEXED", "uploads._COMPLETE", "backfills._ASK", "backfills._PAUSE",
        "backfills._RESUME", "backfills._SELECTED", "canaries._LEAVE", "processes._LEAVE",
        "processes._SEE", "remembered_sizes._REMEMBER", "rollouts._STEP", "schema_changes._SERVES",
        "shadows._ASK_TO_END",
        "shadows._END", "shadows._KEEP", "shadows._LIVING", "shadows._RESERVE", "shadows._SETTLE",
        "dropped_spaces._RETIRE", "space_pointer._FILL", "space_pointer._PIN",
        "space_pointer._POINT", "space_pointer._REMEMBER", "space_pointer._WHOLE",
        "acknowledging._FORGET", "golden_questions._REMOVE", "holds._LIFT", "incidents._CLOSE",
        "incidents._JOIN", "recipes._FORGET",
        "retention._REMOVE", "space_servers._ADD",
        "space_servers._NOTE", "word_index._BURY",
    },
    "locked already by `lock_documents`, `lock_jobs` or their likes": {
        "cancellation._FENCE", "deletion._FENCE", "deletion._MARK", "erasure._ROWS_LEFT",
        "publication._POINT", "recipe_switching._JOBS",
        "registration._JOBS", "superseded_jobs.REVIVE", "registration.REVIVE",
        "superseded_jobs.SUPERSEDE", "synced._ARRIVE", "registration.SUPERSEDE",
        "withdrawal._POINT", "word_index._DONE",
    },
    "rows that nobody else changes": {"erasure._BLOTTED", "erasure._UNNAMED"},
}  # fmt: skip


def test_every_statement_locks_rows_in_order() -> None:
    """Several rows of a table are locked by key before they are changed, or there is a reason."""
    found = {
        name for name, statement in statements()
        if any(not each.ordered and each.what not in GUARDED for each in locks_of(statement))
    }  # fmt: skip
    assert found == set().union(*_UNORDERED.values())
