"""Our side: the `ingest` flow as a user runs it, in a process that is already warm.

Start-up (imports, Great Expectations, the first Prefect client, tokenizer) is paid by `warm_up` and
told apart; a measurement runs from the call of the flow to its end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

USER = "benchmark"


def configure(home: Path, database_url: str, openai_url: str) -> None:
    """Point the settings of this process at the benchmark's servers."""
    os.environ |= {
        "NAVIGATOR_HOME": str(home),
        "NAVIGATOR_DATABASE_URL": database_url,
        "NAVIGATOR_USER": USER,
        "NAVIGATOR_EMBEDDER": "openai",
        # The floor builds no index, and at 10,000 documents its build would be most of the time.
        "NAVIGATOR_HNSW_MIN_VECTORS": str(10**9),
        "OPENAI_API_KEY": "sk-benchmark",
        "OPENAI_BASE_URL": openai_url,
    }


def start_up(prefect_home: Path) -> dict[str, float]:
    """Import everything and warm it up; the seconds of each part."""
    from app.prefect.server import provide_prefect

    seconds = {}
    started = time.perf_counter()
    # Joins the server of PREFECT_API_URL, or starts the SQLite one that users get by default.
    provide_prefect(prefect_home)
    seconds["prefect server"] = time.perf_counter() - started
    started = time.perf_counter()
    import flows.ingest  # noqa: F401

    seconds["imports"] = time.perf_counter() - started
    started = time.perf_counter()
    from checks.gate import warm_up

    warm_up()
    seconds["great expectations"] = time.perf_counter() - started
    return seconds


async def prepare() -> None:
    """Bring the configured database to our schema, so that no measurement migrates."""
    from pipeline.run_options import RunOptions
    from stages.services import open_services

    async with open_services(RunOptions().settings()):
        pass


async def ingest(folder: Path, batch_size: int | None, concurrency: int | None) -> dict[str, Any]:
    """One run of the flow over a folder; its seconds, its outcome and the documents' states."""
    from flows.ingest import ingest as flow
    from pipeline.run_options import RunOptions

    options = RunOptions(batch_size=batch_size, concurrency=concurrency)
    started = time.perf_counter()
    state = await flow([str(folder)], options=options, return_state=True)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "state": state.name, "message": state.message}


async def repeat(folders: Sequence[str]) -> dict[str, Any]:
    """A run over each folder, one after the other, with services that are opened once and lent.

    Returns:
        ``runs``: the seconds of each, whole and by what its document waited for.
    """
    from flows.ingest import ingest as flow
    from flows.shared_services import share_services
    from pipeline.run_options import RunOptions
    from stages.services import open_services

    runs = []
    options = RunOptions()
    async with open_services(options.settings()) as parts:
        with share_services(parts):
            for folder in folders:
                started, at = time.perf_counter(), datetime.now(UTC)
                state = await flow([folder], options=options, return_state=True)
                seconds = time.perf_counter() - started
                if state.name != "Completed":
                    raise RuntimeError(f"the flow ended as {state.name}: {state.message}")
                runs.append(
                    {"seconds": seconds, "parts": await _parts(parts.database, at, seconds)}
                )
    return {"runs": runs}


async def _parts(database: Any, started: datetime, seconds: float) -> dict[str, float]:
    """What the newest document waited for: each stage until its state, and before and after."""
    import sqlalchemy as sa

    from pipeline.store.engine import rows

    newest = sa.text(
        """
        SELECT to_state, at FROM upload_pipeline.job_events
        WHERE to_state IS NOT NULL AND at >= :started ORDER BY id
        """
    )
    async with database.service() as connection:
        found = await rows(connection, newest, {"started": started})
    parts, before = {}, started
    for row in found:
        parts[row["to_state"]] = (row["at"] - before).total_seconds()
        before = row["at"]
    parts["after it"] = seconds - (before - started).total_seconds()
    return parts


async def stages() -> dict[str, float]:
    """Mean seconds that a document's batch spent on the way to each state, from the audit."""
    from pipeline.store.engine import Database, rows

    database = Database(os.environ["NAVIGATOR_DATABASE_URL"], pool_size=1)
    try:
        async with database.service() as connection:
            found = await rows(connection, _stages_query())
    finally:
        await database.close()
    return {row["to_state"]: float(row["seconds"]) for row in found}


def _stages_query() -> Any:
    import sqlalchemy as sa

    # All documents of a batch move together, so a document's wait is its batch's.
    return sa.text(
        """
        SELECT to_state, avg(seconds) AS seconds FROM (
            SELECT to_state, extract(epoch FROM at - lag(at) OVER (
                PARTITION BY job_id ORDER BY id)) AS seconds
            FROM upload_pipeline.job_events WHERE to_state IS NOT NULL
        ) AS steps WHERE seconds IS NOT NULL GROUP BY to_state
        """
    )
