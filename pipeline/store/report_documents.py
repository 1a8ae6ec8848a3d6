"""Reads every version that a quality report is about: hash, state, verdicts, notes, pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records
from pipeline.store.report_scope import JOBS, ReportScope


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a document.

    Attributes:
        inside: the name of the e-mail or archive that it came in; None for a file of its own.
        verdicts: ``{suite, rule, severity, sentence, examples}``, of its last judgment by each
            suite; of a version that was published since, the warnings alone.
        acknowledged_at: when a person said that they know of its failure.
        stopped: why it waits for a person, see `pipeline.states.Stop`.
    """

    job_id: UUID
    document_id: UUID
    name: str
    source: str
    inside: str | None
    version: int
    file_sha256: str
    state: str
    media_type: str | None
    pages: int | None
    chunks: int | None
    tokens: int | None
    suites: dict[str, str]
    notes: list[dict[str, Any]]
    personal_data: dict[str, int] | None
    verdicts: list[dict[str, Any]]
    error_code: str | None
    error_message: str | None
    error_remedy: str | None
    attempts: int
    at: datetime
    acknowledged_at: datetime | None
    stopped: str | None


_VERSIONS = sa.text(
    f"""
    WITH {JOBS}, judged AS (
        SELECT q.*, max(q.at) OVER (PARTITION BY q.job_id, q.suite) AS last
        FROM quality_results AS q JOIN jobs AS j ON j.id = q.job_id
        WHERE q.severity = 'warning' OR j.state = 'quarantined'
    ), verdicts AS (
        SELECT job_id, jsonb_agg(jsonb_build_object('suite', suite, 'rule', rule,
                'severity', severity, 'sentence', sentence, 'examples', examples) ORDER BY id)
            AS verdicts
        FROM judged WHERE at = last GROUP BY job_id
    )
    SELECT j.id AS job_id, j.document_id, j.name, j.source, p.name AS inside, j.version,
           j.file_sha256, j.state, j.media_type, j.pages, j.chunks, j.tokens, j.suites, j.notes,
           j.personal_data, coalesce(v.verdicts, '[]') AS verdicts, j.error_code, j.error_message,
           j.error_remedy, j.attempt AS attempts, coalesce(j.finished_at, j.updated_at) AS at,
           CASE WHEN j.acknowledged_at >= j.finished_at THEN j.acknowledged_at END
               AS acknowledged_at,
           j.stopped
    FROM jobs AS j
    JOIN documents AS d ON d.id = j.document_id
    LEFT JOIN documents AS p ON p.id = d.parent_id
    LEFT JOIN verdicts AS v ON v.job_id = j.id
    ORDER BY lower(j.name), j.document_id, j.version
    """
)


async def versions(connection: AsyncConnection, scope: ReportScope) -> list[VersionRow]:
    """Every version of the scope, by name."""
    return await records(connection, VersionRow, _VERSIONS, scope.values())


_PAGES = sa.text(
    """
    SELECT wanted.job_id, wanted.ordinal, coalesce(b.page_first, c.page_first) AS page
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS wanted(job_id uuid, ordinal int)
    LEFT JOIN document_chunk_buffer AS b
         ON b.job_id = wanted.job_id AND b.ordinal = wanted.ordinal
    LEFT JOIN documents AS d ON d.published_job_id = wanted.job_id
    LEFT JOIN document_chunks AS c ON c.document_id = d.id AND c.ordinal = wanted.ordinal
    """
)


@dataclass(frozen=True, slots=True)
class ChunkPage:
    """On which page a chunk begins; None when its format has no pages, or it is not kept."""

    job_id: UUID
    ordinal: int
    page: int | None


async def pages_of_chunks(
    connection: AsyncConnection, chunks: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], int]:
    """The pages on which chunks begin, by job and ordinal; without those that are not known."""
    wanted = [{"job_id": str(job), "ordinal": ordinal} for job, ordinal in chunks]
    found = await records(connection, ChunkPage, _PAGES, {"rows": json.dumps(wanted)})
    return {(each.job_id, each.ordinal): each.page for each in found if each.page is not None}
