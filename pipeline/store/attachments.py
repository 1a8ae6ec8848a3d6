"""Attachments: documents inside an e-mail or archive follow their parent document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import PUBLISHED, RETRYABLE, WORKING
from pipeline.store.engine import rows
from pipeline.store.job_owners import adopt
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor


def family(ids: str) -> str:
    """A subquery of the ids of documents and of all inside them.

    Args:
        ids: an SQL expression of an array of ids.
    """
    return f"""
        WITH RECURSIVE family(id) AS (
            SELECT unnest({ids})
            UNION SELECT d.id FROM documents AS d JOIN family AS f ON d.parent_id = f.id
        ) SELECT id FROM family
    """


@dataclass(frozen=True, slots=True)
class Parent:
    """The document that files are inside of, and the worker's hold on its job.

    Attributes:
        source: that the files' own sources begin with.
    """

    document_id: UUID
    job_id: UUID
    attempt: int
    correlation_id: UUID
    source: str


_CURRENT = sa.text(
    """
    SELECT d.tags FROM documents AS d JOIN upload_jobs AS j ON j.id = :job
    WHERE d.id = :document AND d.deleted_at IS NULL AND d.latest_job_id = j.id
      AND j.attempt = :attempt AND j.claimed_by = :worker AND d.source = :source
    """
)


async def tags_of_current(
    connection: AsyncConnection, parent: Parent, worker: str
) -> list[str] | None:
    """The parent's tags; None when it was deleted, changed, moved, or taken over by another."""
    values = {
        "document": parent.document_id,
        "job": parent.job_id,
        "attempt": parent.attempt,
        "worker": worker,
        "source": parent.source,
    }
    found: list[str] | None = await connection.scalar(_CURRENT, values)
    return found


_COUNT = sa.text(
    """
    SELECT count(*) FROM documents
    WHERE user_id = :user_id AND deleted_at IS NULL AND parent_id IS NOT NULL
      AND starts_with(source, :prefix) AND source <> ALL(CAST(:but AS text[]))
    """
)


async def count_inside(
    connection: AsyncConnection, user: UUID, root: str, but: Sequence[str]
) -> int:
    """How many documents are inside a file, at any depth, beside those of the given sources."""
    values = {"user_id": user, "prefix": f"{root}#", "but": list(but)}
    return int(await connection.scalar(_COUNT, values) or 0)


_WORKING, _PUBLISHED = listed(WORKING), listed(PUBLISHED)
_JOIN = sa.text(
    f"""
    WITH inside AS (
        SELECT d.id, d.source, d.latest_job_id FROM documents AS d
        WHERE d.id IN ({family("CAST(:documents AS uuid[])")})
          AND d.id <> ALL(CAST(:documents AS uuid[])) AND d.deleted_at IS NULL
    )
    INSERT INTO run_jobs (run_id, job_id, user_id, source, outcome)
    SELECT :run_id, j.id, j.user_id, i.source,
           CASE WHEN j.state IN ({_PUBLISHED}) THEN 'unchanged'
                WHEN j.state IN ({_WORKING}) THEN 'waiting' ELSE 'failed_before' END
    FROM inside AS i JOIN upload_jobs AS j ON j.id = i.latest_job_id
    WHERE j.state IN ({_WORKING}, {_PUBLISHED}, {listed(RETRYABLE)})
    ORDER BY j.id ON CONFLICT (run_id, job_id) DO NOTHING
    """
)
_INSIDE_IDS = f"""
    SELECT d.id FROM documents AS d
    WHERE d.id IN ({family("CAST(:documents AS uuid[])")})
      AND d.id <> ALL(CAST(:documents AS uuid[])) AND d.deleted_at IS NULL
"""
_TAG = sa.text(
    f"""
    WITH inside AS (
        SELECT id FROM documents WHERE id IN ({_INSIDE_IDS})
          AND CAST(:tags AS text[]) <> '{{}}' AND tags <> CAST(:tags AS text[])
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE documents AS d SET tags = CAST(:tags AS text[])
    FROM inside AS i WHERE d.id = i.id
    """
)
# Locked as the run's list will lock them, which refers to them.
_LATEST = sa.text(
    f"""
    SELECT j.id, j.state IN ({_WORKING})
               AND NOT EXISTS (SELECT FROM run_jobs AS r
                               WHERE r.run_id = :run_id AND r.job_id = j.id) AS waiting
    FROM upload_jobs AS j
    WHERE j.id IN (SELECT latest_job_id FROM documents WHERE id IN ({_INSIDE_IDS}))
    ORDER BY j.id FOR KEY SHARE OF j
    """
)


async def join_run(
    connection: AsyncConnection,
    run_id: UUID,
    documents: Sequence[UUID],
    tags: Sequence[str],
    actor: str,
) -> None:
    """Make what is inside these documents part of a run, with the tags that they have now.

    What of it is unfinished becomes the run's own.
    """
    values = {"run_id": run_id, "documents": list(documents), "tags": sorted(set(tags))}
    await connection.execute(_TAG, values)
    waiting = [job for job, waits in await connection.execute(_LATEST, values) if waits]
    await adopt(connection, waiting, Actor(actor, run_id))
    await connection.execute(_JOIN, values)


_WAITS = sa.text(
    f"""
    SELECT EXISTS (
        SELECT FROM documents AS d JOIN upload_jobs AS j ON j.id = d.latest_job_id
        WHERE d.id IN ({family("CAST(:documents AS uuid[])")}) AND d.deleted_at IS NULL
          AND d.parent_id IS NOT NULL AND j.state IN ({_WORKING}))
    """
)


async def any_waits(connection: AsyncConnection, documents: Sequence[UUID]) -> bool:
    """Whether something inside these documents is not finished."""
    return bool(await connection.scalar(_WAITS, {"documents": list(documents)}))


_INSIDE = sa.text(
    """
    SELECT j.id AS job_id, j.parsed_key, d.id AS document_id, d.source
    FROM upload_jobs AS j
    JOIN documents AS d ON d.parent_id = j.document_id AND d.deleted_at IS NULL
    WHERE j.id = ANY(CAST(:jobs AS uuid[]))
    """
)


@dataclass(frozen=True, slots=True)
class Inside:
    """A document that is inside the document of a job, with where that job's text is."""

    job_id: UUID
    parsed_key: str | None
    document_id: UUID
    source: str


async def inside(connection: AsyncConnection, jobs: Sequence[UUID]) -> list[Inside]:
    """What is directly inside the documents of these jobs, of whatever version."""
    return [Inside(**row) for row in await rows(connection, _INSIDE, {"jobs": list(jobs)})]


# With the jobs of other documents that have the same bytes: of two deletions that share them, the
# second must see that the first no longer needs them.
LOCK_JOBS = sa.text(
    """
    SELECT id FROM upload_jobs
    WHERE (user_id, file_sha256) IN (SELECT user_id, file_sha256 FROM upload_jobs
                                     WHERE document_id = ANY(CAST(:ids AS uuid[])))
    ORDER BY id FOR NO KEY UPDATE
    """
)
_LOCK = sa.text(
    f"""
    SELECT id FROM documents WHERE id IN ({family("CAST(:ids AS uuid[])")})
       OR id IN (SELECT document_id FROM upload_jobs
                 WHERE id = ANY(CAST(:jobs AS uuid[])))
    ORDER BY id FOR UPDATE
    """
)


async def lock(
    connection: AsyncConnection, documents: Sequence[UUID], jobs: Sequence[UUID]
) -> None:
    """Lock documents with all inside them, and the documents of jobs, in the order of all.

    Then their jobs, and those of other documents that have the same bytes, as a deletion does.
    """
    values = {"ids": list(documents), "jobs": list(jobs)}
    found = (await connection.execute(_LOCK, values)).scalars().all()
    await connection.execute(LOCK_JOBS, {"ids": found})
