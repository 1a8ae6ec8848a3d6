"""Reads jobs, the versions of documents, for the API and the command line alike. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with what its document is called.

    Attributes:
        published: whether readers see this version. claimed: whether a worker holds it now.
        model: of its vectors, with provider and dimension.
        stopped: why it waits for a person, if it does. run_id: the run that took it last.
        stage_seconds: by stage, of the stages that are done.
        notes: as `job_notes` records them. facts: what the file says of itself.
    """

    job_id: UUID
    document_id: UUID
    user_id: UUID
    correlation_id: UUID
    source: str
    name: str
    tags: list[str]
    version: int
    state: str
    published: bool
    claimed: bool
    stopped: str | None
    run_id: UUID | None
    file_sha256: str
    file_bytes: int
    media_type: str | None
    storage_key: str
    parser: str
    chunker: str
    model: str
    attempt: int
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
    error_code: str | None
    error_message: str | None
    error_remedy: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list that is ordered by time of creation: what comes after it is older."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs; an empty filter lets all through."""

    states: Sequence[str] | None = None
    document: UUID | None = None
    source: str | None = None


_JOBS = """
    SELECT j.id AS job_id, j.document_id, j.user_id, j.correlation_id, d.source, d.name, d.tags,
           j.version, j.state, d.published_job_id IS NOT DISTINCT FROM j.id AS published,
           j.claimed_by IS NOT NULL AND j.lease_until >= now() AS claimed, j.stopped, j.run_id,
           j.file_sha256, j.file_bytes, j.media_type, j.storage_key, j.parser, j.chunker,
           s.provider || '/' || s.model || ' (' || s.dimension || ')' AS model, j.attempt,
           j.pages, j.chunks, j.tokens, j.billed_tokens, j.cost_usd, j.stage_seconds, j.failures,
           j.notes, j.facts, j.language,
           j.error_code, j.error_message, j.error_remedy,
           j.created_at, j.updated_at, j.finished_at
    FROM upload_jobs AS j JOIN documents AS d ON d.id = j.document_id
    JOIN embedding_spaces AS s ON s.id = j.space_id
"""
_ONE = sa.text(f"{_JOBS} WHERE j.id = :id")
_SOME = sa.text(f"{_JOBS} WHERE j.id = ANY(CAST(:ids AS uuid[])) ORDER BY j.id")
_VERSIONS = sa.text(f"{_JOBS} WHERE j.document_id = :document ORDER BY j.version DESC")
_PAGE = sa.text(
    f"""
    {_JOBS}
    WHERE (CAST(:states AS text[]) IS NULL OR j.state = ANY(CAST(:states AS text[])))
      AND (CAST(:document AS uuid) IS NULL OR j.document_id = :document)
      AND (CAST(:source AS text) IS NULL OR d.source = :source)
      AND (CAST(:at AS timestamptz) IS NULL OR (j.created_at, j.id) < (:at, :id))
    ORDER BY j.created_at DESC, j.id DESC LIMIT :limit
    """
)


async def find_job(connection: AsyncConnection, job_id: UUID) -> JobView | None:
    """The job, when the connection's role may see it."""
    found = await records(connection, JobView, _ONE, {"id": job_id})
    return found[0] if found else None


async def find_jobs(connection: AsyncConnection, job_ids: Sequence[UUID]) -> list[JobView]:
    """Those of the jobs that the connection's role may see."""
    return await records(connection, JobView, _SOME, {"ids": list(job_ids)})


async def document_versions(connection: AsyncConnection, document: UUID) -> list[JobView]:
    """Every version of a document, newest first."""
    return await records(connection, JobView, _VERSIONS, {"document": document})


async def list_jobs(
    connection: AsyncConnection, chosen: JobFilter, after: Place | None, limit: int
) -> list[JobView]:
    """The next jobs, newest first; jobs that come meanwhile do not move the pages."""
    values = {
        "states": list(chosen.states) if chosen.states else None,
        "document": chosen.document,
        "source": chosen.source,
        "at": after.created_at if after else None,
        "id": after.id if after else None,
        "limit": limit,
    }
    return await records(connection, JobView, _PAGE, values)


_STATES = sa.text("SELECT state FROM upload_jobs WHERE id = :id")


async def job_state(connection: AsyncConnection, job_id: UUID) -> str | None:
    """Where a job stands; None when there is none that the role may see."""
    found: str | None = await connection.scalar(_STATES, {"id": job_id})
    return found
