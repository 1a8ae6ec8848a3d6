"""Reads what waits for a person's review: what the gate quarantined or warned of. Read only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import PUBLISHED
from pipeline.store.acknowledging import ACKNOWLEDGED
from pipeline.store.engine import records
from pipeline.store.job_queries import Place
from pipeline.store.review_decisions import IN_FORCE
from pipeline.store.schema import listed


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A document whose newest version waits for a review.

    Attributes:
        state: ``quarantined``, or that of a published version with warnings.
        findings: what the gate said last: suite, rule, title, severity, sentence, failed, examples;
            without what a person has accepted.
        paged: it has pages of its own.
    """

    document_id: UUID
    job_id: UUID
    user_id: UUID
    name: str
    state: str
    version: int
    file_sha256: str
    paged: bool
    findings: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime


# What was said since the version was taken up last; a rule that was asked twice, the last time.
_ITEMS = f"""
    SELECT d.id AS document_id, j.id AS job_id, j.user_id, d.name, j.state, j.version,
           j.file_sha256, j.pages IS NOT NULL AS paged, q.findings, d.created_at, j.updated_at
    FROM documents AS d JOIN upload_jobs AS j ON j.id = d.latest_job_id
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(to_jsonb(f) - 'id' ORDER BY f.severity, f.id) AS findings FROM (
            SELECT DISTINCT ON (r.suite, r.rule) r.id, r.suite, r.rule, r.title, r.severity,
                   r.sentence, r.failed, r.examples
            FROM quality_results AS r
            WHERE r.job_id = j.id AND NOT r.success
              AND (r.severity = 'critical' OR r.rule <> 'gaps')
              AND r.at >= (SELECT max(e.at) FROM job_events AS e
                           WHERE e.job_id = j.id AND e.to_state = 'uploaded')
            ORDER BY r.suite, r.rule, r.id DESC
        ) AS f WHERE NOT EXISTS (
            SELECT FROM review_decisions AS v
            WHERE v.user_id = j.user_id AND v.file_sha256 = j.file_sha256
              AND v.decision IN ('accept', 'reject') AND {IN_FORCE.format("v")}
              AND v.findings @> jsonb_build_array(jsonb_build_object(
                  'suite', f.suite, 'rule', f.rule, 'failed', f.failed,
                  'sentence', split_part(f.sentence, ' (accepted by ', 1))))
    ) AS q
    WHERE d.deleted_at IS NULL AND q.findings IS NOT NULL
      AND (j.state = 'quarantined' AND NOT {ACKNOWLEDGED} OR j.state IN ({listed(PUBLISHED)}))
"""
_ONE = sa.text(f"{_ITEMS} AND d.id = :document")
_PAGE = sa.text(
    f"""
    {_ITEMS} AND (CAST(:at AS timestamptz) IS NULL OR (d.created_at, d.id) < (:at, :id))
    ORDER BY d.created_at DESC, d.id DESC LIMIT :limit
    """
)


async def find_item(connection: AsyncConnection, document_id: UUID) -> ReviewItem | None:
    """The document, when it waits for a review and the connection's role may see it."""
    found = await records(connection, ReviewItem, _ONE, {"document": document_id})
    return found[0] if found else None


async def list_items(
    connection: AsyncConnection, after: Place | None, limit: int
) -> list[ReviewItem]:
    """The next documents that wait for a review, the newest first."""
    place = {"at": after.created_at if after else None, "id": after.id if after else None}
    return await records(connection, ReviewItem, _PAGE, {**place, "limit": limit})
