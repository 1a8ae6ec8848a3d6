"""A backfill of published documents, one at a time, and how far it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.flows.corpus import policy
from tests.flows.working import Worker, execute, rows

DOCUMENTS = 4
OTHER = {"NAVIGATOR_CHUNK_TOKENS": "40"}


def published(worker: Worker, folder: Path) -> dict[str, Any]:
    """Publish some documents; the arguments of a backfill of them under `OTHER`."""
    for number in range(DOCUMENTS):
        policy(folder, f"{folder.name}-{number}", sections=2)
    worker.run("ingest", {"paths": [str(folder)]}, NAVIGATOR_CHUNK_TOKENS="64")
    return {
        "select": "outdated",
        "choice": {"source": str(folder)},
        "options": {"batch_size": 1, "concurrency": 1},
        "run_id": str(uuid4()),
    }


def progress(url: str, run: str) -> tuple[int, int]:
    """Documents of the run that are published, and those that were stopped."""
    [found] = rows(
        url,
        f"""
        SELECT count(*) FILTER (WHERE j.state = 'complete'),
               count(*) FILTER (WHERE j.stopped IS NOT NULL)
        FROM upload_pipeline.run_jobs AS r JOIN upload_pipeline.upload_jobs AS j ON j.id = r.job_id
        WHERE r.run_id = '{run}'
        """,
    )
    return int(found[0]), int(found[1])


def until_published(url: str, run: str, least: int) -> None:
    """Wait until so many documents of the run are published."""
    deadline = time.monotonic() + 120
    while progress(url, run)[0] < least:
        assert time.monotonic() < deadline, "the backfill does not come on"
        time.sleep(0.1)


def pause(url: str, run: str) -> None:
    """As `navigator backfill pause` does, in one transaction."""
    execute(
        url,
        f"""
        WITH stopped AS (
            UPDATE upload_pipeline.upload_jobs SET stopped = 'stopped_by_person'
            WHERE run_id = '{run}' AND finished_at IS NULL
        )
        UPDATE upload_pipeline.ingest_runs SET paused_at = now() WHERE id = '{run}'
        """,
    )
