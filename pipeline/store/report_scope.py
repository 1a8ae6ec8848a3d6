"""The scope of a quality report: which versions, verdicts, calls and runs its figures are over.

Every figure of a report is over one of four sets, each defined here and nowhere else:

- ``jobs``: versions of documents. Of a run, those that it took; over time, those to which something
  was done since.
- ``results``: rows of the quality gate. Of a run, what it judged; over time, what was judged since.
- ``calls``: requests to services. Of a run, its own; over time, those since.
- ``runs``: the run, or those that began since.

A report on one user is read as that user, so row-level security is its scope. One on everybody's
leaves out the documents by which an environment is verified (canaries).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pipeline.store import canaries


@dataclass(frozen=True, slots=True)
class ReportScope:
    """Which jobs a report is about.

    Attributes:
        run_id: only this run's, else everything since `since`.
        user_id: only this user's.
    """

    since: datetime
    run_id: UUID | None = None
    user_id: UUID | None = None

    def values(self) -> dict[str, Any]:
        """As parameters of the statements over the sets below."""
        return {
            "run_id": self.run_id,
            "since": self.since,
            "user_id": self.user_id,
            "canaries": list(canaries.USERS),
            "canary_run": canaries.RUN,
        }


def _whose(table: str) -> str:
    return f"""CASE WHEN CAST(:user_id AS uuid) IS NOT NULL THEN {table}.user_id = :user_id
              ELSE {table}.user_id IS NULL
                   OR {table}.user_id <> ALL(CAST(:canaries AS uuid[])) END"""


def _dated(table: str, time: str) -> str:
    return f"""CASE WHEN CAST(:run_id AS uuid) IS NULL
              THEN {table}.{time} >= :since AND {table}.run_id IS DISTINCT FROM :canary_run
              ELSE {table}.run_id = :run_id END"""


JOBS = f"""
    jobs AS (
        SELECT j.*, d.source, d.name, d.published_job_id FROM upload_jobs AS j
        JOIN documents AS d ON d.id = j.document_id
        WHERE CASE WHEN CAST(:run_id AS uuid) IS NULL THEN j.updated_at >= :since
              ELSE j.id IN (SELECT job_id FROM run_jobs WHERE run_id = :run_id) END
          AND {_whose("j")}
    )
"""
RESULTS = f"""
    results AS (
        SELECT q.* FROM quality_results AS q
        WHERE {_dated("q", "at")} AND {_whose("q")}
    )
"""
CALLS = f"""
    calls AS (
        SELECT c.* FROM service_calls AS c
        WHERE {_dated("c", "at")} AND {_whose("c")}
    )
"""
RUNS = f"""
    runs AS (
        SELECT r.* FROM ingest_runs AS r
        WHERE CASE WHEN CAST(:run_id AS uuid) IS NULL
              THEN r.started_at >= :since AND r.id <> :canary_run ELSE r.id = :run_id END
          AND {_whose("r")}
    )
"""
