"""Reads what one page of a document is shown from: a version, and its chunks. Read only."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.pages import StoredChunk
from pipeline.store.engine import records


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a document, and where its bytes and its text are stored.

    Attributes:
        published: whether readers see this version.
        parsed_key: None when it was not read yet, or could not be.
        pages: None as well.
    """

    job_id: UUID
    document_id: UUID
    user_id: UUID
    source: str
    name: str
    version: int
    state: str
    published: bool
    media_type: str | None
    file_sha256: str
    storage_key: str
    parsed_key: str | None
    pages: int | None
    error_message: str | None


# Without a job: the version that readers see, or the newest one while they see none.
_VERSION = sa.text(
    """
    SELECT j.id AS job_id, j.document_id, j.user_id, d.source, d.name, j.version, j.state,
           d.published_job_id IS NOT DISTINCT FROM j.id AS published, j.media_type,
           j.file_sha256, j.storage_key, j.parsed_key, j.pages, j.error_message
    FROM documents AS d
    JOIN upload_jobs AS j ON j.document_id = d.id
         AND j.id = coalesce(CAST(:job AS uuid), d.published_job_id, d.latest_job_id)
    WHERE d.id = :document AND d.deleted_at IS NULL
    """
)


async def find_version(
    connection: AsyncConnection, document_id: UUID, job_id: UUID | None = None
) -> VersionView | None:
    """The version of a document that a job made, when the connection's role may see it.

    Args:
        job_id: None for the published version, or the newest while none is published.
    """
    values = {"document": document_id, "job": job_id}
    found = await records(connection, VersionView, _VERSION, values)
    return found[0] if found else None


_COLUMNS = "ordinal, start_offset, end_offset, heading_path, context, role"
_BETWEEN = "start_offset < :end AND end_offset > :start ORDER BY ordinal"
# Another version may have been published meanwhile: its offsets are into another text.
_PUBLISHED = sa.text(
    f"""
    SELECT id AS chunk_id, {_COLUMNS} FROM document_chunks
    WHERE document_id = (
        SELECT document_id FROM upload_jobs AS j
        JOIN documents AS d ON d.id = j.document_id AND d.published_job_id = j.id
        WHERE j.id = :job)
      AND {_BETWEEN}
    """
)
_BUFFERED = sa.text(
    f"""
    SELECT chunk_id, {_COLUMNS} FROM document_chunk_buffer
    WHERE job_id = :job AND {_BETWEEN}
    """
)


async def chunks_between(
    connection: AsyncConnection, version: VersionView, start: int, end: int
) -> list[StoredChunk]:
    """The chunks of a version that overlap a part of its text, in order.

    A version that is neither published nor being worked on has none any more.

    Args:
        start, end: offsets into the canonical text.
    """
    values = {"job": version.job_id, "start": start, "end": end}
    statement = _PUBLISHED if version.published else _BUFFERED
    return await records(connection, StoredChunk, statement, values)
