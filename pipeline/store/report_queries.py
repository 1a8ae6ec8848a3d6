"""Reads the quality report's figures over the jobs of a run, or of a time. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows


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
        """As parameters of the statements below."""
        return {"run_id": self.run_id, "since": self.since, "user_id": self.user_id}


_JOBS = """
    jobs AS (
        SELECT j.*, d.source, d.published_job_id FROM upload_jobs AS j
        JOIN documents AS d ON d.id = j.document_id
        WHERE CASE WHEN CAST(:run_id AS uuid) IS NULL THEN j.updated_at >= :since
              ELSE j.id IN (SELECT job_id FROM run_jobs WHERE run_id = :run_id) END
          AND (CAST(:user_id AS uuid) IS NULL OR j.user_id = :user_id)
    )
"""
_RESULTS = """
    results AS (
        SELECT q.* FROM quality_results AS q
        WHERE CASE WHEN CAST(:run_id AS uuid) IS NULL THEN q.at >= :since
              ELSE q.run_id = :run_id END
          AND (CAST(:user_id AS uuid) IS NULL OR q.user_id = :user_id)
    )
"""
_CALLS = """
    calls AS (
        SELECT c.* FROM service_calls AS c
        WHERE CASE WHEN CAST(:run_id AS uuid) IS NULL THEN c.at >= :since
              ELSE c.run_id = :run_id END
          AND (CAST(:user_id AS uuid) IS NULL OR c.user_id = :user_id)
    )
"""
_RUNS = """
    runs AS (
        SELECT r.* FROM ingest_runs AS r
        WHERE CASE WHEN CAST(:run_id AS uuid) IS NULL THEN r.started_at >= :since
              ELSE r.id = :run_id END
          AND (CAST(:user_id AS uuid) IS NULL OR r.user_id = :user_id)
    )
"""

_NUMBER = r"CASE WHEN observed ~ '^-?[0-9.]+(e-?[0-9]+)?$' THEN observed::float END"

REPORT_QUERIES = {
    "span": sa.text(
        f"""
        WITH {_RUNS} SELECT min(started_at) AS first, max(coalesce(finished_at, now())) AS last,
            coalesce(sum(extract(epoch FROM coalesce(finished_at, now()) - started_at)), 0)::float
                AS seconds
        FROM runs
        """
    ),
    "totals": sa.text(
        f"""
        WITH {_JOBS}, {_CALLS} SELECT
            (SELECT count(*) FROM jobs) AS documents,
            (SELECT coalesce(sum(pages), 0)::int FROM jobs) AS pages,
            (SELECT coalesce(sum(chunks), 0)::int FROM jobs) AS chunks,
            (SELECT coalesce(sum(inputs), 0)::int FROM calls WHERE outcome = 'ok') AS inputs,
            (SELECT coalesce(sum(tokens), 0)::int FROM calls WHERE outcome = 'ok') AS tokens,
            (SELECT count(*) FROM calls) AS calls,
            (SELECT coalesce(sum(cost_usd), 0)::float FROM calls) AS cost_usd
        """
    ),
    "states": sa.text(
        f"WITH {_JOBS} SELECT state, count(*) AS documents FROM jobs GROUP BY state ORDER BY state"
    ),
    "owners": sa.text(f"WITH {_JOBS} SELECT DISTINCT user_id FROM jobs ORDER BY user_id"),
    "versions": sa.text(f"WITH {_JOBS} SELECT DISTINCT parser, chunker FROM jobs LIMIT 2"),
    "suites": sa.text(
        f"""
        WITH {_RESULTS} SELECT suite, suite_version AS version, min(at) AS first, max(at) AS last,
            array_agg(DISTINCT run_id) AS runs,
            count(DISTINCT job_id) FILTER (WHERE severity = 'critical') AS documents_failed
        FROM results WHERE suite <> 'golden' GROUP BY suite, suite_version ORDER BY min(id)
        """
    ),
    "rules": sa.text(
        f"""
        WITH {_RESULTS} SELECT suite, suite_version AS version, rule, max(title) AS title,
            max(severity) AS severity,
            coalesce(max(sentence) FILTER (WHERE job_id IS NULL), '') AS threshold,
            min({_NUMBER}) FILTER (WHERE job_id IS NULL) AS lowest,
            max({_NUMBER}) FILTER (WHERE job_id IS NULL) AS highest,
            coalesce(sum(evaluated) FILTER (WHERE job_id IS NULL), 0)::int AS evaluated,
            coalesce(sum(failed) FILTER (WHERE job_id IS NULL), 0)::int AS failed,
            count(DISTINCT job_id) AS documents_failed
        FROM results GROUP BY suite, suite_version, rule ORDER BY min(id)
        """
    ),
    "examples": sa.text(
        f"""
        WITH {_RESULTS}, numbered AS (
            SELECT r.suite, r.suite_version AS version, r.rule, r.sentence, d.source,
                   row_number() OVER (PARTITION BY suite, suite_version, rule ORDER BY r.id) AS n
            FROM results AS r JOIN upload_jobs AS j ON j.id = r.job_id
            JOIN documents AS d ON d.id = j.document_id
        ) SELECT * FROM numbered WHERE n <= 3
        """
    ),
    "judged": sa.text(f"WITH {_JOBS} SELECT count(*) FROM jobs WHERE coverage IS NOT NULL"),
    "failed": sa.text(
        f"""
        WITH {_JOBS} SELECT source, id::text AS job_id, state, error_code AS code,
            error_message AS message, error_remedy AS remedy, attempt AS attempts,
            coalesce(finished_at, updated_at) AS at
        FROM jobs WHERE state LIKE 'failed%' OR state = 'quarantined' ORDER BY source LIMIT 500
        """
    ),
    "lacking": sa.text(
        f"""
        WITH {_JOBS} SELECT source, state, notes, count(*) OVER () AS in_all FROM jobs
        WHERE notes @> '[{{"gap": true}}]' AND state NOT IN ('superseded', 'deleted')
        ORDER BY source LIMIT 200
        """
    ),
    "coverage": sa.text(
        f"WITH {_JOBS} SELECT coverage AS value FROM jobs WHERE coverage IS NOT NULL"
    ),
    "sizes": sa.text(
        f"""
        WITH {_JOBS} SELECT c.tokens, count(*) AS chunks
        FROM document_chunks AS c JOIN jobs AS j ON j.published_job_id = j.id
             AND j.document_id = c.document_id
        GROUP BY c.tokens
        """
    ),
    "duplicates": sa.text(
        f"""
        WITH {_JOBS} SELECT count(*) AS chunks, count(DISTINCT c.sha256) AS distinct
        FROM document_chunks AS c JOIN jobs AS j ON j.published_job_id = j.id
             AND j.document_id = c.document_id
        """
    ),
    "by_day": sa.text(
        f"""
        WITH {_CALLS} SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS label,
            count(*) AS calls, sum(tokens)::int AS tokens, sum(cost_usd)::float AS cost_usd
        FROM calls GROUP BY 1 ORDER BY 1 DESC LIMIT 30
        """
    ),
    "by_run": sa.text(
        f"""
        WITH {_CALLS} SELECT coalesce(run_id::text, 'outside a run') AS label, count(*) AS calls,
            sum(tokens)::int AS tokens, sum(cost_usd)::float AS cost_usd
        FROM calls GROUP BY run_id ORDER BY max(at) DESC LIMIT 20
        """
    ),
    "by_model": sa.text(
        f"""
        WITH {_CALLS} SELECT service AS label, count(*) AS calls, sum(tokens)::int AS tokens,
            sum(cost_usd)::float AS cost_usd
        FROM calls GROUP BY service ORDER BY sum(cost_usd) DESC, 1 LIMIT 20
        """
    ),
    "slowest": sa.text(
        f"""
        WITH {_JOBS} SELECT source, stage_seconds FROM jobs
        ORDER BY (SELECT sum(value::float) FROM jsonb_each_text(stage_seconds)) DESC NULLS LAST,
                 source LIMIT 10
        """
    ),
    "golden": sa.text(
        f"""
        WITH {_RESULTS}, newest AS (
            SELECT run_id, max(at) AS at, coalesce(max(examples->>0), '') AS model,
                max(evaluated) FILTER (WHERE rule = 'found') AS questions,
                max(failed) FILTER (WHERE rule = 'found') AS lost,
                max({_NUMBER}) FILTER (WHERE rule = 'ndcg_holds') AS ndcg,
                max({_NUMBER}) FILTER (WHERE rule = 'recall_holds') AS recall
            FROM results WHERE suite = 'golden' GROUP BY run_id ORDER BY max(at) DESC LIMIT 30
        ) SELECT at, model, questions, lost, ndcg, recall FROM newest
        WHERE questions IS NOT NULL AND ndcg IS NOT NULL AND recall IS NOT NULL ORDER BY at
        """
    ),
    "days": sa.text(
        f"""
        WITH {_JOBS}, {_CALLS}, spent AS (
            SELECT (at AT TIME ZONE 'UTC')::date AS day, sum(cost_usd)::float AS cost
            FROM calls GROUP BY 1
        ) SELECT (j.finished_at AT TIME ZONE 'UTC')::date AS day, count(*) AS documents,
            count(*) FILTER (WHERE state LIKE 'failed%' OR state = 'quarantined') AS failed,
            coalesce(max(s.cost), 0)::float AS cost_usd
        FROM jobs AS j LEFT JOIN spent AS s ON s.day = (j.finished_at AT TIME ZONE 'UTC')::date
        WHERE j.finished_at IS NOT NULL GROUP BY 1 ORDER BY 1
        """
    ),
}
"""Every figure's statement, by name."""


async def figures(
    connection: AsyncConnection, scope: ReportScope
) -> dict[str, list[dict[str, Any]]]:
    """All figures of a scope: for each name of `REPORT_QUERIES`, its rows."""
    return {
        name: [dict(row) for row in await rows(connection, statement, scope.values())]
        for name, statement in REPORT_QUERIES.items()
    }


# Comparing one vector with all others is a scan: the sample shrinks as the corpus grows.
_COMPARISONS = 100_000
_SIMILARITY = sa.text(
    f"""
    WITH {_JOBS}, published AS MATERIALIZED (
        SELECT document_id, space_id FROM jobs WHERE id = published_job_id
    ), sample AS MATERIALIZED (
        -- the ids first: joined in one go, a planner without statistics loops over every vector
        SELECT c.id AS chunk_id, c.document_id, p.space_id
        FROM document_chunks AS c JOIN published AS p ON p.document_id = c.document_id
        ORDER BY md5(c.id::text) LIMIT :sample
    )
    SELECT (SELECT max(1 - (other.embedding <=> v.embedding))
            FROM chunk_vectors AS other
            WHERE other.space_id = s.space_id
              AND other.chunk_id <> ALL (ARRAY(SELECT id FROM document_chunks AS own
                                               WHERE own.document_id = s.document_id))
              AND other.user_id = v.user_id) AS value
    FROM sample AS s
    JOIN chunk_vectors AS v ON v.chunk_id = s.chunk_id AND v.space_id = s.space_id
    """
)
_VECTORS = sa.text("SELECT count(*) FROM chunk_vectors")


async def nearest_similarities(connection: AsyncConnection, scope: ReportScope) -> Sequence[float]:
    """For a sample of published chunks, the cosine to the nearest chunk of another document."""
    vectors = int(await connection.scalar(_VECTORS) or 0)
    sample = min(200, max(10, _COMPARISONS // max(vectors, 1)))
    found = await connection.execute(_SIMILARITY, {**scope.values(), "sample": sample})
    return [float(value) for value in found.scalars() if value is not None]
