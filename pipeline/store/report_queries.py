"""Reads the quality report's figures over the jobs of a run, or of a time. Read only."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.report_scope import CALLS, JOBS, RESULTS, RUNS, ReportScope

_NUMBER = r"CASE WHEN observed ~ '^-?[0-9.]+(e-?[0-9]+)?$' THEN observed::float END"

REPORT_QUERIES = {
    "span": sa.text(
        f"""
        WITH {RUNS} SELECT min(started_at) AS first, max(coalesce(finished_at, now())) AS last,
            coalesce(sum(extract(epoch FROM coalesce(finished_at, now()) - started_at)), 0)::float
                AS seconds
        FROM runs
        """
    ),
    "totals": sa.text(
        f"""
        WITH {JOBS}, {CALLS} SELECT
            (SELECT count(*)::int FROM jobs) AS versions,
            (SELECT count(DISTINCT document_id)::int FROM jobs) AS documents,
            (SELECT coalesce(sum(pages), 0)::bigint FROM jobs) AS pages,
            (SELECT coalesce(sum(chunks), 0)::bigint FROM jobs) AS chunks,
            (SELECT coalesce(sum(tokens), 0)::bigint FROM jobs) AS tokens,
            (SELECT count(*)::int FROM calls) AS calls,
            (SELECT coalesce(sum(tokens), 0)::bigint FROM calls) AS billed_tokens,
            (SELECT coalesce(sum(cost_usd), 0)::float FROM calls) AS cost_usd
        """
    ),
    "states": sa.text(
        f"WITH {JOBS} SELECT state, count(*)::int AS documents FROM jobs GROUP BY 1 ORDER BY 1"
    ),
    "owners": sa.text(f"WITH {JOBS} SELECT DISTINCT user_id FROM jobs ORDER BY user_id"),
    "pipelines": sa.text(
        f"""
        WITH {JOBS} SELECT j.parser, j.chunker,
            s.provider || '/' || s.model || ' (' || s.dimension || '), version ' || s.version
                AS model, count(*)::int AS versions
        FROM jobs AS j JOIN embedding_spaces AS s ON s.id = j.space_id
        GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2, 3
        """
    ),
    "suites": sa.text(
        # A quarantined version is counted with the first suite that refused it, so that what the
        # suites kept back adds up to what is quarantined.
        f"""
        WITH {JOBS}, {RESULTS}, refused AS (
            SELECT DISTINCT ON (q.job_id) q.job_id, q.suite AS by_suite,
                q.suite_version AS by_version
            FROM quality_results AS q JOIN jobs AS j ON j.id = q.job_id
            WHERE j.state = 'quarantined' AND q.severity = 'critical'
            ORDER BY q.job_id, q.at DESC, q.id
        ), judged AS (
            SELECT j.id, s.key AS suite, s.value AS version
            FROM jobs AS j CROSS JOIN jsonb_each_text(j.suites) AS s
            UNION SELECT job_id, by_suite, by_version FROM refused
        ), named AS (
            SELECT q.suite, q.suite_version AS version, min(q.at) AS first, max(q.at) AS last,
                array_agg(DISTINCT q.run_id) FILTER (WHERE q.run_id IS NOT NULL) AS runs
            FROM results AS q WHERE q.suite <> 'golden' GROUP BY 1, 2
        ) SELECT suite, version, n.first, n.last, coalesce(n.runs, '{{}}') AS runs,
            count(DISTINCT g.id)::int AS documents, count(r.job_id)::int AS documents_failed
        FROM judged AS g FULL JOIN named AS n USING (suite, version)
        LEFT JOIN refused AS r ON r.job_id = g.id AND by_suite = suite AND by_version = version
        GROUP BY suite, version, n.first, n.last, n.runs
        ORDER BY array_position(ARRAY['fidelity', 'chunks', 'vectors'], suite), n.last DESC, version
        """
    ),
    "rules": sa.text(
        f"""
        WITH {RESULTS} SELECT suite, suite_version AS version, rule, max(title) AS title,
            max(severity) AS severity,
            coalesce(max(sentence) FILTER (WHERE job_id IS NULL), '') AS threshold,
            min({_NUMBER}) FILTER (WHERE job_id IS NULL) AS lowest,
            max({_NUMBER}) FILTER (WHERE job_id IS NULL) AS highest,
            coalesce(sum(evaluated) FILTER (WHERE job_id IS NULL), 0)::bigint AS evaluated,
            coalesce(sum(failed) FILTER (WHERE job_id IS NULL), 0)::bigint AS failed,
            count(DISTINCT job_id)::int AS documents_failed
        FROM results WHERE suite <> 'golden' GROUP BY suite, suite_version, rule ORDER BY min(id)
        """
    ),
    "examples": sa.text(
        f"""
        WITH {RESULTS}, numbered AS (
            SELECT r.suite, r.suite_version AS version, r.rule, r.sentence, r.examples, r.job_id,
                   d.name, row_number() OVER (PARTITION BY suite, suite_version, rule ORDER BY r.id)
                   AS n
            FROM results AS r JOIN upload_jobs AS j ON j.id = r.job_id
            JOIN documents AS d ON d.id = j.document_id
        ) SELECT suite, version, rule, sentence, examples, job_id, name FROM numbered WHERE n <= 3
        """
    ),
    "trends": sa.text(
        f"""
        WITH {RESULTS} SELECT (at AT TIME ZONE 'UTC')::date AS day, suite, rule,
            max(title) AS title, max(severity) AS severity,
            sum(evaluated)::bigint AS evaluated, sum(failed)::bigint AS failed
        FROM results WHERE job_id IS NULL AND suite <> 'golden'
        GROUP BY 1, 2, 3 ORDER BY min(id)
        """
    ),
    "personal": sa.text(
        f"""
        WITH {JOBS} SELECT p.key AS kind, sum(p.value::int)::bigint AS found,
            count(*)::int AS versions
        FROM jobs AS j CROSS JOIN jsonb_each_text(j.personal_data) AS p
        WHERE p.value::int > 0 GROUP BY 1 ORDER BY 1
        """
    ),
    "uncounted": sa.text(
        f"""
        WITH {JOBS} SELECT count(*) FILTER (WHERE personal_data IS NULL)::int AS uncounted,
            count(*) FILTER (WHERE personal_data IS NOT NULL)::int AS counted FROM jobs
        """
    ),
    "decisions": sa.text(
        f"""
        WITH {JOBS} SELECT e.at, e.event, coalesce(e.to_state, '') AS to_state, j.name,
            j.version, e.details ->> 'reason' AS reason
        FROM job_events AS e JOIN jobs AS j ON j.id = e.job_id
        WHERE e.actor = 'person' AND e.event <> 'registered'
          AND CASE WHEN CAST(:run_id AS uuid) IS NULL THEN e.at >= :since
              ELSE e.run_id = :run_id OR e.run_id IS NULL END
        ORDER BY e.id DESC
        """
    ),
    "coverage": sa.text(
        f"WITH {JOBS} SELECT coverage AS value FROM jobs WHERE coverage IS NOT NULL"
    ),
    "sizes": sa.text(
        f"""
        WITH {JOBS} SELECT c.tokens, count(*) AS chunks
        FROM document_chunks AS c JOIN jobs AS j ON j.published_job_id = j.id
             AND j.document_id = c.document_id
        GROUP BY c.tokens
        """
    ),
    "duplicates": sa.text(
        f"""
        WITH {JOBS} SELECT count(*) AS chunks, count(DISTINCT c.sha256) AS distinct
        FROM document_chunks AS c JOIN jobs AS j ON j.published_job_id = j.id
             AND j.document_id = c.document_id
        """
    ),
    "by_day": sa.text(
        f"""
        WITH {CALLS} SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS label,
            count(*)::int AS calls, sum(tokens)::bigint AS tokens, sum(cost_usd)::float AS cost_usd
        FROM calls GROUP BY 1 ORDER BY 1 DESC
        """
    ),
    "by_run": sa.text(
        f"""
        WITH {CALLS} SELECT coalesce(run_id::text, 'outside a run') AS label,
            count(*)::int AS calls, sum(tokens)::bigint AS tokens, sum(cost_usd)::float AS cost_usd
        FROM calls GROUP BY run_id ORDER BY max(at) DESC
        """
    ),
    "by_owner": sa.text(
        f"""
        WITH {CALLS} SELECT CASE WHEN c.user_id IS NOT NULL THEN 'one user''s documents'
                WHEN r.id IS NOT NULL THEN 'documents of several users at once'
                ELSE 'users erased since, or no user' END AS label,
            count(*)::int AS calls, sum(tokens)::bigint AS tokens,
            sum(c.cost_usd)::float AS cost_usd
        FROM calls AS c LEFT JOIN ingest_runs AS r ON r.id = c.run_id GROUP BY 1 ORDER BY 1
        """
    ),
    "by_model": sa.text(
        f"""
        WITH {CALLS} SELECT service || ', ' || operation AS label, count(*)::int AS calls,
            sum(tokens)::bigint AS tokens, sum(cost_usd)::float AS cost_usd
        FROM calls GROUP BY 1 ORDER BY sum(cost_usd) DESC, 1
        """
    ),
    "slowest": sa.text(
        f"""
        WITH {JOBS} SELECT name, stage_seconds FROM jobs
        ORDER BY (SELECT sum(value::float) FROM jsonb_each_text(stage_seconds)) DESC NULLS LAST,
                 source, id LIMIT 10
        """
    ),
    "golden": sa.text(
        f"""
        WITH {RESULTS}, newest AS (
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
        WITH {JOBS}, {CALLS}, ended AS (
            SELECT (finished_at AT TIME ZONE 'UTC')::date AS day, count(*)::int AS documents,
                count(*) FILTER (WHERE state LIKE 'failed%' OR state = 'quarantined')::int AS failed
            FROM jobs WHERE finished_at IS NOT NULL GROUP BY 1
        ), spent AS (
            SELECT (at AT TIME ZONE 'UTC')::date AS day, sum(cost_usd)::float AS cost_usd
            FROM calls GROUP BY 1
        ) SELECT day, coalesce(documents, 0) AS documents, coalesce(failed, 0) AS failed,
            coalesce(cost_usd, 0)::float AS cost_usd
        FROM ended FULL JOIN spent USING (day) ORDER BY day
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
