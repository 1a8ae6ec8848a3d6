"""Reads the work and its services in figures, for the dashboard. Read only.

Everything is what the connection's role may see: a user's own rows, or everybody's. Days are UTC's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import FAILED, PUBLISHED, WORKING
from pipeline.store import metrics
from pipeline.store.acknowledging import ACKNOWLEDGED
from pipeline.store.engine import rows
from pipeline.store.schema import listed

MINUTES = 60
DAYS = 14
DOCUMENTS_OF_A_TROUBLE = 5
"""That are named behind each kind of error."""

_PUBLISHED = listed(PUBLISHED)
_WORKING = listed(WORKING)
_TROUBLED = listed((*FAILED, *WORKING))

_THROUGHPUT = sa.text(
    f"""
    SELECT m.minute, count(j.id) AS documents, coalesce(sum(j.chunks), 0)::bigint AS chunks,
           coalesce(sum(j.tokens), 0)::bigint AS tokens
    FROM generate_series(date_trunc('minute', now()) - make_interval(mins => {MINUTES - 1}),
                         date_trunc('minute', now()), interval '1 minute') AS m(minute)
    LEFT JOIN (SELECT id, chunks, tokens, finished_at FROM upload_jobs
               WHERE state IN ({_PUBLISHED})
                 AND finished_at > now() - make_interval(mins => {MINUTES})
              ) AS j ON date_trunc('minute', j.finished_at) = m.minute
    GROUP BY m.minute ORDER BY m.minute
    """
)
_SERVICES = sa.text(
    f"""
    SELECT service, count(*) AS calls, count(*) FILTER (WHERE outcome = 'ok') AS succeeded,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
           sum(cost_usd) AS cost_usd
    FROM service_calls WHERE at > now() - make_interval(mins => {MINUTES})
    GROUP BY service ORDER BY service
    """
)
_TROUBLES = sa.text(
    f"""
    WITH troubled AS (
        SELECT j.id AS job_id, j.document_id, d.name, j.state, j.error_code AS code,
               j.error_message AS message, j.error_remedy AS remedy, j.updated_at AS at,
               CASE WHEN j.stopped IS NOT NULL THEN j.run_id END AS stopped_run, j.stopped,
               j.parser, j.chunker,
               count(*) OVER (PARTITION BY j.error_code) AS number,
               row_number() OVER (PARTITION BY j.error_code
                                  ORDER BY j.updated_at DESC, j.id) AS place
        FROM documents AS d JOIN upload_jobs AS j ON j.id = d.latest_job_id
        WHERE d.deleted_at IS NULL AND j.error_code IS NOT NULL AND j.state IN ({_TROUBLED})
          AND NOT {ACKNOWLEDGED}
    )
    SELECT * FROM troubled WHERE place <= {DOCUMENTS_OF_A_TROUBLE}
    ORDER BY number DESC, code, place
    """
)
_SPENT = sa.text(
    """
    SELECT coalesce(sum(cost_usd) FILTER (WHERE at >= days.today), 0) AS today,
           coalesce(sum(cost_usd), 0) AS month,
           (SELECT coalesce(sum(cost_usd), 0) FROM upload_jobs)
         + (SELECT coalesce(sum(cost_usd), 0) FROM service_calls
            WHERE run_id IS NULL) AS ever
    FROM (SELECT date_trunc('day', now(), 'UTC') AS today,
                 date_trunc('month', now(), 'UTC') AS month) AS days
    LEFT JOIN service_calls ON at >= days.month
    """
)
# What a page or a token takes of a file is learned from the documents that are done.
_WAITING = sa.text(
    f"""
    WITH done AS (
        SELECT sum(tokens)::float / nullif(sum(file_bytes), 0) AS tokens,
               sum(pages)::float / nullif(sum(file_bytes), 0) AS pages
        FROM upload_jobs WHERE state IN ({_PUBLISHED})
    )
    SELECT count(*) AS documents,
           coalesce(sum(coalesce(j.tokens, j.file_bytes * d.tokens))
                    FILTER (WHERE j.state <> 'embeddings_stored'), 0)::bigint AS tokens,
           coalesce(sum(j.file_bytes * d.pages)
                    FILTER (WHERE j.state IN ('uploaded', 'parse_queued')), 0)::bigint AS pages,
           coalesce(bool_or(j.tokens IS NULL AND d.tokens IS NULL), false) AS unknown
    FROM upload_jobs AS j CROSS JOIN done AS d WHERE j.state IN ({_WORKING})
    """
)
_QUALITY = sa.text(
    f"""
    SELECT days.day, coalesce(q.passed, 0) AS passed, coalesce(q.failed, 0) AS failed,
           coalesce(q.warned, 0) AS warned,
           coalesce(q.documents, 0) AS documents_failed
    FROM (SELECT (date_trunc('day', now(), 'UTC') AT TIME ZONE 'UTC')::date - n AS day
          FROM generate_series({DAYS - 1}, 0, -1) AS n) AS days
    LEFT JOIN (
        SELECT (at AT TIME ZONE 'UTC')::date AS day,
               count(*) FILTER (WHERE job_id IS NULL AND success) AS passed,
               count(*) FILTER (WHERE job_id IS NULL AND NOT success
                                AND severity = 'critical') AS failed,
               count(*) FILTER (WHERE job_id IS NULL AND NOT success
                                AND severity = 'warning') AS warned,
               count(DISTINCT job_id) FILTER (WHERE severity = 'critical') AS documents
        FROM quality_results WHERE at > now() - make_interval(days => {DAYS})
        GROUP BY 1
    ) AS q ON q.day = days.day ORDER BY days.day
    """
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Overview:
    """How everything stands; rows as the statements above name them."""

    documents: dict[str, int]
    queue: Row
    buffers: Row
    throughput: list[Row]
    services: list[Row]
    troubles: list[Row]
    spent: Row
    waiting: Row
    quality: list[Row]


async def read(connection: AsyncConnection) -> Overview:
    """Everything at once, in one transaction."""
    return Overview(
        documents=await metrics.documents_by_state(connection),
        queue=dict(await metrics.queue(connection)),
        buffers=dict(await metrics.buffers(connection)),
        throughput=await _all(connection, _THROUGHPUT),
        services=await _all(connection, _SERVICES),
        troubles=await _all(connection, _TROUBLES),
        spent=(await _all(connection, _SPENT))[0],
        waiting=(await _all(connection, _WAITING))[0],
        quality=await _all(connection, _QUALITY),
    )


async def _all(connection: AsyncConnection, statement: sa.TextClause) -> list[Row]:
    return [dict(row) for row in await rows(connection, statement)]
