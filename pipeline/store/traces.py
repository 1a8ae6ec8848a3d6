"""Reads the trace of some jobs from the database: audit, service calls, webhooks.

Read only; every function reads what its connection's role may see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records, rows


@dataclass(frozen=True, slots=True)
class TracedJob:
    """A job with the ids that logs name it by."""

    job_id: UUID
    document_id: UUID
    correlation_id: UUID


_JOBS = """
    SELECT id AS job_id, document_id, correlation_id FROM upload_jobs WHERE {condition}
    ORDER BY created_at LIMIT 500
"""
_OF_DOCUMENT = sa.text(_JOBS.format(condition="document_id = :document"))
_BY_PREFIX = sa.text(_JOBS.format(condition="starts_with(id::text, :prefix)"))
_OF_CORRELATION = sa.text(_JOBS.format(condition="correlation_id = :correlation"))


async def jobs_of_document(connection: AsyncConnection, document: UUID) -> list[TracedJob]:
    """Every version of a document."""
    return await records(connection, TracedJob, _OF_DOCUMENT, {"document": document})


async def jobs_by_prefix(connection: AsyncConnection, prefix: str) -> list[TracedJob]:
    """Jobs whose ids begin so, in lower case."""
    return await records(connection, TracedJob, _BY_PREFIX, {"prefix": prefix})


async def jobs_of_correlation(connection: AsyncConnection, correlation: UUID) -> list[TracedJob]:
    """Jobs that came of one request."""
    return await records(connection, TracedJob, _OF_CORRELATION, {"correlation": correlation})


_EVENTS = sa.text(
    """
    SELECT at, 'audit' AS source, event, job_id, from_state, to_state, attempt, actor, details
    FROM job_events WHERE job_id = ANY(CAST(:jobs AS uuid[])) ORDER BY id
    """
)
# A call belongs to a run; where a run had several documents, all their calls are told.
_CALLS = sa.text(
    """
    SELECT at, 'services' AS source, service || ' ' || operation AS event, outcome,
           round(seconds::numeric, 3) AS seconds, inputs, tokens, cost_usd, request_id
    FROM service_calls
    WHERE run_id IN (SELECT run_id FROM job_events
                     WHERE job_id = ANY(CAST(:jobs AS uuid[])) AND run_id IS NOT NULL)
    ORDER BY id
    """
)
_WEBHOOKS = sa.text(
    """
    SELECT w.received_at AS at, 'webhooks' AS source, w.event_type AS event, w.outcome,
           w.remote_job_id, w.event_id
    FROM webhook_events AS w
    WHERE w.remote_job_id IN (
        SELECT p.remote_job_id FROM parsed_files AS p JOIN upload_jobs AS j
          ON j.user_id = p.user_id AND j.file_sha256 = p.file_sha256 AND j.parser = p.parser
        WHERE j.id = ANY(CAST(:jobs AS uuid[])))
    ORDER BY w.received_at
    """
)


async def read_traces(connection: AsyncConnection, jobs: Sequence[UUID]) -> list[sa.RowMapping]:
    """Everything about these jobs; each row has `at`, `source`, `event` and fields of its own."""
    values = {"jobs": list(jobs)}
    found: list[sa.RowMapping] = []
    for statement in (_EVENTS, _CALLS, _WEBHOOKS):
        found += await rows(connection, statement, values)
    return found
