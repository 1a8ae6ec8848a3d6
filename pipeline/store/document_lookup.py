"""Looks up sources: which document one is today, and what registering its bytes would mean.

A document keeps the id that it was made with; its source may change, when its file was moved. So
the row of a source is found by the source, never by an id computed from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.identity import document_id, job_id
from pipeline.states import PUBLISHED, RETRYABLE, JobState
from pipeline.store.engine import rows
from pipeline.store.same_space import same_space
from pipeline.store.superseded_jobs import LOSABLE, LOST_CODES

if TYPE_CHECKING:
    from pipeline.store.registration import PipelineVersion, Source


class Outcome(StrEnum):
    """What registering a source means for its document."""

    NEW = "new"  # a document that we did not have
    CHANGED = "changed"  # new bytes, or a new pipeline version, for a document that we have
    UNCHANGED = "unchanged"  # published already: nothing to do, nothing to pay
    WAITING = "waiting"  # accepted earlier and not finished: goes on from where it is
    FAILED_BEFORE = "failed_before"  # these bytes failed or were cancelled: a person retries


@dataclass(frozen=True, slots=True)
class Registered:
    """A source with its ids and what is to be done."""

    source: str
    document_id: UUID
    job_id: UUID
    outcome: Outcome


_KNOWN = sa.text(
    f"""
    SELECT d.id AS document_id, d.deleted_at IS NOT NULL AS deleted, j.state, j.error_code,
           j.id AS job_id, other.id IS NOT NULL AS taken
    FROM unnest(CAST(:sources AS text[]), CAST(:contents AS text[]), CAST(:ids AS uuid[]))
        WITH ORDINALITY AS w(source, sha256, id, place)
    LEFT JOIN LATERAL (
        SELECT id, deleted_at FROM documents
        WHERE user_id = :user_id AND source = w.source OFFSET 0
    ) AS d ON true
    LEFT JOIN LATERAL (
        SELECT id, state, error_code FROM upload_jobs AS own
        WHERE document_id = d.id AND file_sha256 = w.sha256 AND parser = :parser
          AND chunker = :chunker AND ({same_space("own", ":space_id")})
        ORDER BY space_id = :space_id DESC, id LIMIT 1
    ) AS j ON true
    LEFT JOIN LATERAL (
        SELECT id FROM documents WHERE d.id IS NULL AND id = w.id OFFSET 0
    ) AS other ON true
    ORDER BY w.place
    """
)
_TAKEN = sa.text("SELECT EXISTS (SELECT FROM documents WHERE id = :id)")


async def look_up(
    connection: AsyncConnection, user: UUID, sources: Sequence[Source], version: PipelineVersion
) -> list[Registered]:
    """What registering these sources would mean; writes nothing."""
    values = {
        "user_id": user,
        "sources": [each.source for each in sources],
        "contents": [each.file_sha256 for each in sources],
        "ids": [document_id(user, each.source) for each in sources],
        "parser": version.parser,
        "chunker": version.chunker,
        "space_id": version.space_id,
    }
    found = []
    for source, row in zip(sources, await rows(connection, _KNOWN, values), strict=True):
        document = row["document_id"]
        if document is None:
            document = await _free_id(connection, user, source.source, taken=row["taken"])
        # published in a space that is kept beside this one, it has the id that it was made with
        job = row["job_id"] or job_id(document, source.file_sha256, str(version))
        found.append(Registered(source.source, document, job, _outcome(row)))
    return found


async def _free_id(connection: AsyncConnection, user: UUID, source: str, *, taken: bool) -> UUID:
    """The id of a document to be made: another than usual where a moved document has that one."""
    lives = 0
    while taken:
        lives += 1
        taken = await connection.scalar(_TAKEN, {"id": document_id(user, source, lives)})
    return document_id(user, source, lives)


def _outcome(row: sa.RowMapping) -> Outcome:
    if row["document_id"] is None or row["deleted"]:
        return Outcome.NEW
    if row["state"] is None or row["state"] in (JobState.SUPERSEDED, JobState.DELETED):
        return Outcome.CHANGED
    if row["state"] in PUBLISHED:
        return Outcome.UNCHANGED
    if row["state"] in LOSABLE and row["error_code"] in LOST_CODES:
        return Outcome.CHANGED
    if row["state"] in RETRYABLE:
        return Outcome.FAILED_BEFORE
    return Outcome.WAITING
