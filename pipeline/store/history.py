"""Reads the history of documents: where they stand, their jobs, events and runs. Read only.

Every function reads what its connection's role may see; called with `Database.reader(user)`, that
is one user's documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records, rows
from pipeline.store.schema import SCHEMA


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A document and its newest job.

    Attributes:
        state, notes, language: of the newest job.
        published: whether readers see some version of it.
    """

    document_id: UUID
    job_id: UUID | None
    source: str
    name: str
    tags: list[str]
    state: str | None
    notes: list[dict[str, Any]]
    language: str
    published: bool
    version: int | None
    pages: int | None
    chunks: int | None
    tokens: int | None
    cost_usd: Decimal
    updated_at: datetime
    error_code: str | None
    error_message: str | None
    error_remedy: str | None


_LINES = f"""
    SELECT d.id AS document_id, j.id AS job_id, d.source, d.name, d.tags, j.state,
           coalesce(j.notes, '[]') AS notes, coalesce(j.language, '') AS language,
           d.published_job_id IS NOT NULL AS published, j.version, j.pages, j.chunks, j.tokens,
           coalesce(j.cost_usd, 0) AS cost_usd, coalesce(j.updated_at, d.updated_at) AS updated_at,
           j.error_code, j.error_message, j.error_remedy
    FROM {SCHEMA}.documents AS d LEFT JOIN {SCHEMA}.upload_jobs AS j ON j.id = d.latest_job_id
"""  # noqa: S608
_LIST = sa.text(
    f"""
    {_LINES}
    WHERE d.deleted_at IS NULL AND d.tags @> CAST(:tags AS text[])
      AND (CAST(:states AS text[]) IS NULL OR j.state = ANY(CAST(:states AS text[])))
    ORDER BY d.name, d.source LIMIT :limit
    """
)
_COUNT = sa.text(
    f"""
    SELECT count(*) FROM {SCHEMA}.documents AS d
    LEFT JOIN {SCHEMA}.upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.deleted_at IS NULL AND d.tags @> CAST(:tags AS text[])
      AND (CAST(:states AS text[]) IS NULL OR j.state = ANY(CAST(:states AS text[])))
    """  # noqa: S608
)


async def list_documents(
    connection: AsyncConnection,
    *,
    states: Sequence[str] | None = None,
    tags: Sequence[str] = (),
    limit: int = 100,
) -> tuple[list[DocumentLine], int]:
    """Documents by name, at most `limit` of them, and how many there are."""
    values = {"states": list(states) if states else None, "tags": list(tags), "limit": limit}
    found = await records(connection, DocumentLine, _LIST, values)
    return found, int(await connection.scalar(_COUNT, values) or 0)


_FIND = sa.text(
    f"""
    {_LINES}
    WHERE d.deleted_at IS NULL AND (
        d.source = :source OR d.name = :given
        OR (:prefix <> '' AND (starts_with(d.id::text, :prefix) OR EXISTS (
            SELECT FROM {SCHEMA}.upload_jobs AS o
            WHERE o.document_id = d.id AND starts_with(o.id::text, :prefix)))))
    ORDER BY d.source = :source DESC, d.name = :given DESC, d.source LIMIT 20
    """
)


async def find_documents(
    connection: AsyncConnection, given: str, source: str, prefix: str
) -> list[DocumentLine]:
    """The documents that a person may mean: by path, by name, by a document's or job's id.

    Args:
        given: as typed. source: the same as an absolute path.
        prefix: the beginning of an id in lower case, or empty when it cannot be one.

    Returns:
        Those of the source alone when there are any, else of the name, else of the id.
    """
    values = {"given": given, "source": source, "prefix": prefix}
    found = await records(connection, DocumentLine, _FIND, values)
    by_source = [each for each in found if each.source == source]
    return by_source or [each for each in found if each.name == given] or found


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One version of a document."""

    job_id: UUID
    version: int
    state: str
    published: bool
    file_sha256: str
    file_bytes: int
    media_type: str | None
    parser: str
    chunker: str
    model: str
    pages: int | None
    chunks: int | None
    tokens: int | None
    billed_tokens: int
    cost_usd: Decimal
    stage_seconds: dict[str, float]
    failures: int
    notes: list[dict[str, Any]]
    facts: dict[str, str]
    language: str
    attempt: int
    claimed: bool
    error_code: str | None
    error_message: str | None
    error_remedy: str | None
    created_at: datetime
    finished_at: datetime | None


_JOBS = sa.text(
    f"""
    SELECT j.id AS job_id, j.version, j.state, d.published_job_id = j.id AS published,
           j.file_sha256, j.file_bytes, j.media_type, j.parser, j.chunker,
           s.provider || '/' || s.model || ' (' || s.dimension || ')' AS model,
           j.pages, j.chunks, j.tokens, j.billed_tokens, j.cost_usd, j.stage_seconds, j.failures,
           j.notes, j.facts, j.language, j.attempt,
           j.claimed_by IS NOT NULL AND j.lease_until >= now() AS claimed,
           j.error_code, j.error_message, j.error_remedy, j.created_at, j.finished_at
    FROM {SCHEMA}.upload_jobs AS j JOIN {SCHEMA}.documents AS d ON d.id = j.document_id
    JOIN {SCHEMA}.embedding_spaces AS s ON s.id = j.space_id
    WHERE j.document_id = :document ORDER BY j.version DESC
    """  # noqa: S608
)


async def document_jobs(connection: AsyncConnection, document: UUID) -> list[JobRecord]:
    """Every version of a document, newest first."""
    found = await rows(connection, _JOBS, {"document": document})
    return [JobRecord(**{**row, "published": bool(row["published"])}) for row in found]


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One line of the audit."""

    at: datetime
    job_id: UUID | None
    event: str
    from_state: str | None
    to_state: str | None
    actor: str
    details: dict[str, Any]


_EVENTS = sa.text(
    f"""
    SELECT at, job_id, event, from_state, to_state, actor, details
    FROM {SCHEMA}.job_events WHERE document_id = :document ORDER BY id
    """  # noqa: S608
)


async def document_events(connection: AsyncConnection, document: UUID) -> list[EventRecord]:
    """The audit of a document, oldest first."""
    return await records(connection, EventRecord, _EVENTS, {"document": document})


_QUALITY = sa.text(
    f"""
    SELECT q.sentence FROM {SCHEMA}.quality_results AS q
    JOIN {SCHEMA}.documents AS d ON d.latest_job_id = q.job_id
    WHERE d.id = :document AND NOT q.success AND q.severity = :severity
      AND (q.severity = 'critical' OR q.rule <> 'gaps')  -- told by the notes
    ORDER BY q.id
    """  # noqa: S608
)


async def quality_findings(connection: AsyncConnection, document: UUID, severity: str) -> list[str]:
    """What the gate found in the newest version, in sentences; empty when it found nothing.

    Args:
        severity: ``critical`` for why it refused it, ``warning`` for what it only told.
    """
    values = {"document": document, "severity": severity}
    found = (await connection.execute(_QUALITY, values)).scalars()
    return list(dict.fromkeys(found))
