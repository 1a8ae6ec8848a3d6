"""Reads documents as their user lists them: page by page (keyset), newest first. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records, rows
from pipeline.store.job_queries import Place
from pipeline.store.schema import SCHEMA


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document and its newest job.

    Attributes:
        state, notes, language: of the newest job.
        published: whether readers see some version of it.
    """

    document_id: UUID
    user_id: UUID
    source: str
    name: str
    tags: list[str]
    state: str | None
    notes: list[dict[str, Any]]
    language: str
    published: bool
    latest_job_id: UUID | None
    published_job_id: UUID | None
    versions: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents; an empty filter lets all through."""

    states: Sequence[str] | None = None
    tags: Sequence[str] = ()
    source: str | None = None


_DOCUMENTS = f"""
    SELECT d.id AS document_id, d.user_id, d.source, d.name, d.tags, j.state,
           coalesce(j.notes, '[]') AS notes, coalesce(j.language, '') AS language,
           d.published_job_id IS NOT NULL AS published, d.latest_job_id, d.published_job_id,
           d.versions, d.created_at, greatest(d.updated_at, j.updated_at) AS updated_at
    FROM {SCHEMA}.documents AS d LEFT JOIN {SCHEMA}.upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.deleted_at IS NULL
"""  # noqa: S608
_ONE = sa.text(f"{_DOCUMENTS} AND d.id = :id")
_PAGE = sa.text(
    f"""
    {_DOCUMENTS}
      AND (CAST(:states AS text[]) IS NULL OR j.state = ANY(CAST(:states AS text[])))
      AND d.tags @> CAST(:tags AS text[])
      AND (CAST(:source AS text) IS NULL OR d.source = :source)
      AND (CAST(:at AS timestamptz) IS NULL OR (d.created_at, d.id) < (:at, :id))
    ORDER BY d.created_at DESC, d.id DESC LIMIT :limit
    """
)


async def find_document(connection: AsyncConnection, document_id: UUID) -> DocumentView | None:
    """The document, when it is there and the connection's role may see it."""
    found = await rows(connection, _ONE, {"id": document_id})
    return DocumentView(**found[0]) if found else None


async def list_documents(
    connection: AsyncConnection, chosen: DocumentFilter, after: Place | None, limit: int
) -> list[DocumentView]:
    """The next documents, newest first; documents that come meanwhile do not move the pages."""
    values = {
        "states": list(chosen.states) if chosen.states else None,
        "tags": list(chosen.tags),
        "source": chosen.source,
        "at": after.created_at if after else None,
        "id": after.id if after else None,
        "limit": limit,
    }
    return await records(connection, DocumentView, _PAGE, values)
