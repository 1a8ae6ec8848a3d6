"""Registers sources: documents, their versions and their jobs, many at a time, idempotently.

The stored bytes and these rows are the truth about what was accepted: once `register` has
committed, the job ends published or with a reason, whatever dies in between.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import ServiceUnavailable
from pipeline.identity import document_id, job_id
from pipeline.store.document_lookup import Outcome as Outcome
from pipeline.store.document_lookup import Registered as Registered
from pipeline.store.document_lookup import look_up as look_up
from pipeline.store.job_owners import adopt
from pipeline.store.lock_order import lock_jobs
from pipeline.store.superseded_jobs import REVIVE, SUPERSEDE
from pipeline.store.transitions import Actor


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """The code that a job runs through: part of its identity."""

    parser: str
    chunker: str
    space_id: UUID

    def __str__(self) -> str:
        return f"{self.parser}|{self.chunker}|{self.space_id}"


@dataclass(frozen=True, slots=True)
class Source:
    """One file as it was found, with its bytes already stored (or planned) under `storage_key`.

    Attributes:
        parent_id: the document that it is inside of, if any.
    """

    source: str
    name: str
    file_sha256: str
    file_bytes: int
    storage_key: str
    parent_id: UUID | None = None


def identify(user: UUID, source: Source, version: PipelineVersion) -> tuple[UUID, UUID]:
    """The ids that a source which is new gets for its document and its job."""
    document = document_id(user, source.source)
    return document, job_id(document, source.file_sha256, str(version))


_LOCK = sa.text(
    """
    SELECT id FROM documents
    WHERE user_id = :user_id AND source = ANY(CAST(:sources AS text[]))
       OR id = ANY(CAST(:parents AS uuid[]))
    ORDER BY id FOR NO KEY UPDATE
    """
)
# Without a target every unique constraint counts. With one, two that insert the same source at the
# same moment may meet at the other constraint, which is an error.
_DOCUMENTS = sa.text(
    """
    INSERT INTO documents (id, user_id, source, name, tags, parent_id)
    SELECT s.document_id, :user_id, s.source, s.name, CAST(:tags AS text[]), s.parent_id
    FROM jsonb_to_recordset(CAST(:sources AS jsonb))
        AS s(document_id uuid, source text, name text, parent_id uuid)
    ORDER BY s.document_id
    ON CONFLICT DO NOTHING RETURNING id
    """
)
_KNOWN_DOCUMENTS = sa.text(
    """
    WITH known AS (
        SELECT d.id FROM documents AS d
        JOIN jsonb_to_recordset(CAST(:sources AS jsonb)) AS s(document_id uuid, source text)
          ON d.id = s.document_id AND d.source = s.source
        WHERE d.id = ANY(CAST(:known AS uuid[])) ORDER BY d.id FOR NO KEY UPDATE OF d
    )
    UPDATE documents AS d SET deleted_at = NULL, updated_at = now(),
        tags = CASE WHEN CAST(:tags AS text[]) = '{}' THEN d.tags ELSE CAST(:tags AS text[]) END
    FROM known WHERE d.id = known.id RETURNING d.id
    """
)
_JOBS = sa.text(
    """
    WITH s AS (
        SELECT * FROM jsonb_to_recordset(CAST(:sources AS jsonb)) AS s(
            document_id uuid, job_id uuid, file_sha256 text, file_bytes bigint, storage_key text)
    ), inserted AS (
        INSERT INTO upload_jobs (id, document_id, user_id, version, correlation_id,
            file_sha256, file_bytes, storage_key, parser, chunker, space_id, run_id)
        SELECT s.job_id, s.document_id, :user_id, d.versions + 1,
               coalesce(CAST(:correlation_id AS uuid), gen_random_uuid()),
               s.file_sha256, s.file_bytes, s.storage_key, :parser, :chunker, :space_id, :run_id
        FROM s JOIN documents AS d ON d.id = s.document_id
        ON CONFLICT (id) DO NOTHING
        RETURNING id, document_id, version, correlation_id
    ), counted AS (
        UPDATE documents AS d SET versions = i.version FROM inserted AS i
        WHERE d.id = i.document_id
    )
    INSERT INTO job_events
        (job_id, document_id, user_id, run_id, correlation_id, event, to_state, actor, details)
    SELECT id, document_id, :user_id, :run_id, correlation_id, 'registered', 'uploaded', :actor,
           jsonb_build_object('version', version)
    FROM inserted
    RETURNING job_id
    """
)
_RUN_JOBS = sa.text(
    """
    INSERT INTO run_jobs (run_id, job_id, user_id, source, outcome)
    SELECT :run_id, s.job_id, :user_id, s.source, s.outcome
    FROM jsonb_to_recordset(CAST(:sources AS jsonb)) AS s(job_id uuid, source text, outcome text)
    ORDER BY s.job_id ON CONFLICT (run_id, job_id) DO NOTHING
    """
)


async def lock(connection: AsyncConnection, user: UUID, sources: Sequence[Source]) -> set[UUID]:
    """Lock the documents of sources, and those that they are inside of; waits for deletions."""
    values = {
        "user_id": user,
        "sources": [source.source for source in sources],
        "parents": list({each.parent_id for each in sources if each.parent_id is not None}),
    }
    return set((await connection.execute(_LOCK, values)).scalars())


async def register(
    connection: AsyncConnection,
    user: UUID,
    sources: Sequence[Source],
    version: PipelineVersion,
    *,
    run_id: UUID,
    actor: str,
    tags: Iterable[str] = (),
    correlation_id: UUID | None = None,
    again: bool = False,
) -> list[Registered]:
    """Accept the sources: rows for documents and jobs, the audit, and their part in the run.

    Idempotent: the same sources again change nothing but the tags and the run's list, and lift
    stops when a person asks for the run. A source named twice counts once, with the later bytes.

    Args:
        correlation_id: of the request that this is done for; without it each job gets its own.
        again: others took some of them in at the same moment, and it is done anew.

    Raises:
        ServiceUnavailable: a document was moved meanwhile; nothing is registered, try again.
    """
    unique = list({source.source: source for source in sources}.values())
    # Only several can be locked in another order than all do.
    attempt = await connection.begin_nested() if _several(unique) else None
    locked = await lock(connection, user, unique)
    found = await look_up(connection, user, unique, version)
    records = [
        {
            "document_id": str(each.document_id),
            "job_id": str(each.job_id),
            "source": each.source,
            "outcome": each.outcome.value,
            "name": source.name,
            "file_sha256": source.file_sha256,
            "file_bytes": source.file_bytes,
            "storage_key": source.storage_key,
            "parent_id": str(source.parent_id) if source.parent_id else None,
        }
        for each, source in zip(found, unique, strict=True)
    ]
    values: dict[str, Any] = {
        "user_id": user,
        "run_id": run_id,
        "actor": actor,
        "correlation_id": correlation_id,
        "tags": sorted(set(tags)),
        "sources": json.dumps(records),
        "documents": [each.document_id for each in found],
        "jobs": [each.job_id for each in found],
        "parser": version.parser,
        "chunker": version.chunker,
        "space_id": version.space_id,
    }
    new = set((await connection.execute(_DOCUMENTS, values)).scalars())
    if not again and not locked.issuperset(set(values["documents"]) - new):
        # Made by others meanwhile: unlocked and locked again, so that all are locked in one order.
        if attempt is not None:
            await attempt.rollback()
        return await register(
            connection, user, unique, version, run_id=run_id, actor=actor, tags=tags,
            correlation_id=correlation_id, again=True,
        )  # fmt: skip
    if attempt is not None:
        await attempt.commit()
    if known := [each for each in values["documents"] if each not in new]:
        there = await connection.execute(_KNOWN_DOCUMENTS, {**values, "known": known})
        if set(there.scalars()) != set(known):
            raise ServiceUnavailable("A document was moved in the moment of its upload.")
        # every version of them, because older ones are superseded and unfinished ones are adopted
        await lock_jobs(connection, documents=known)
    made = set((await connection.execute(_JOBS, values)).scalars())
    if not made.issuperset(values["jobs"]):
        await connection.execute(REVIVE, values)
    await connection.execute(SUPERSEDE, values)
    waiting = [each.job_id for each in found if each.outcome is Outcome.WAITING]
    await adopt(connection, waiting, Actor(actor, run_id))
    await connection.execute(_RUN_JOBS, values)
    return found


def _several(sources: Sequence[Source]) -> bool:
    """Whether these are more than one document, with those that they are inside of."""
    return len(sources) > 1 or any(each.parent_id is not None for each in sources)
