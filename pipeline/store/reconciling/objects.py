"""Queries stored objects against the rows that name them, both ways."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import PUBLISHED, WORKING
from pipeline.store.engine import Database, records
from pipeline.store.reconciling.paging import pages
from pipeline.store.schema import listed

ABANDONED_MINUTES = 10
"""The sweep comes every minute, and removes what nobody holds."""

_PUBLISHED = listed(PUBLISHED)
_WORKING = listed(WORKING)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database knows of an object.

    Attributes:
        needed: a living job has its content, or somebody holds it, or did until just now.
        traced: a deleted job, a hold that ran out, an announcement or an erasure says whose it was.
        named: as a text, a row names it, or the job that will is under way.
    """

    key: str
    needed: bool
    traced: bool
    named: bool


_STANDINGS = sa.text(
    f"""
    SELECT k.key, living.there OR held.there AS needed,
           EXISTS (SELECT FROM upload_jobs AS j
                   WHERE j.user_id = k.user_id AND j.file_sha256 = k.stem)
           OR EXISTS (SELECT FROM unsettled_objects AS u
                      WHERE u.user_id = k.user_id AND u.stem = k.stem)
           OR EXISTS (SELECT FROM uploads AS a
                      WHERE a.user_id = k.user_id AND 'incoming/' || a.id = k.stem)
           OR EXISTS (SELECT FROM access_log AS l
                      WHERE l.user_id = k.user_id AND l.action = 'erasure') AS traced,
           EXISTS (SELECT FROM parsed_files AS p
                   WHERE p.user_id = k.user_id AND p.file_sha256 = k.stem
                     AND (p.storage_key = k.key OR p.state = 'reserved'))
           OR EXISTS (SELECT FROM upload_jobs AS j
                      WHERE j.user_id = k.user_id AND j.file_sha256 = k.stem
                        AND j.state IN ({_WORKING})) AS named
    FROM unnest(CAST(:keys AS text[]), CAST(:users AS uuid[]), CAST(:stems AS text[]))
        AS k(key, user_id, stem)
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM upload_jobs AS j
                       WHERE j.user_id = k.user_id AND j.file_sha256 = k.stem
                         AND j.state <> 'deleted') AS there
    ) AS living
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM unsettled_objects AS u
                       WHERE u.user_id = k.user_id AND u.stem = k.stem
                         AND u.held_until > now() - make_interval(mins => {ABANDONED_MINUTES})
                      ) AS there
    ) AS held
    """
)


async def standings(
    connection: AsyncConnection, objects: Sequence[tuple[str, UUID, str]]
) -> list[Standing]:
    """What the database knows of these objects: key, user and stem of each."""
    values = {
        "keys": [key for key, _, _ in objects],
        "users": [user for _, user, _ in objects],
        "stems": [stem for _, _, stem in objects],
    }
    return await records(connection, Standing, _STANDINGS, values)


@dataclass(frozen=True, slots=True)
class Named:
    """The objects that a job names.

    Attributes:
        text_key: of a published version's text; None for others, whose text is made when needed.
    """

    job_id: UUID
    document_id: UUID
    user_id: UUID
    source: str
    file_sha256: str
    storage_key: str
    text_key: str | None


# Newest and published versions: nobody reads an earlier one's bytes again.
_NAMED = sa.text(
    f"""
    SELECT j.id AS key, true AS bad, j.id AS job_id, j.document_id, j.user_id, d.source,
           j.file_sha256, j.storage_key,
           CASE WHEN j.state IN ({_PUBLISHED}) AND d.published_job_id = j.id
                THEN j.parsed_key END AS text_key
    FROM upload_jobs AS j JOIN documents AS d ON d.id = j.document_id
    WHERE j.id > :after AND j.state <> 'deleted'
      AND (j.id = d.latest_job_id OR j.id = d.published_job_id)
    ORDER BY j.id LIMIT :most
    """
)
_STILL = sa.text(
    """
    SELECT j.id FROM upload_jobs AS j
    WHERE j.id = ANY(CAST(:jobs AS uuid[])) AND j.state <> 'deleted'
    """
)


async def named_objects(database: Database) -> AsyncIterator[list[Named]]:
    """The objects that jobs name, a page at a time."""
    fields = Named.__slots__
    async for page in pages(database, _NAMED):
        yield [Named(**{name: row[name] for name in fields}) for row in page]


async def still_there(connection: AsyncConnection, jobs: Sequence[UUID]) -> set[UUID]:
    """Those of the jobs that were not deleted meanwhile."""
    return set((await connection.execute(_STILL, {"jobs": list(jobs)})).scalars())


_NEW_PARSE = sa.text(
    """
    WITH ordered AS (
        SELECT id FROM upload_jobs
        WHERE document_id = ANY(CAST(:documents AS uuid[])) AND state = 'uploaded'
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE upload_jobs AS j SET correlation_id = gen_random_uuid()
    FROM ordered AS o WHERE j.id = o.id
    """
)
_REOPEN = sa.text(
    """
    WITH lost AS (
        SELECT p.user_id, p.file_sha256, p.parser FROM parsed_files AS p
        JOIN upload_jobs AS j
            ON p.user_id = j.user_id AND p.file_sha256 = j.file_sha256 AND p.parser = j.parser
        WHERE j.id = ANY(CAST(:jobs AS uuid[])) AND p.state = 'done'
        ORDER BY p.user_id, p.file_sha256, p.parser FOR NO KEY UPDATE OF p
    )
    UPDATE parsed_files AS p
    SET state = 'reserved', claimed_by = NULL, lease_until = NULL
    FROM lost AS l
    WHERE p.user_id = l.user_id AND p.file_sha256 = l.file_sha256 AND p.parser = l.parser
    """
)


async def forget_texts(
    connection: AsyncConnection, jobs: Sequence[UUID], documents: Sequence[UUID]
) -> None:
    """Have lost texts made again: neither `parsed_files` nor a cached parse names them any more.

    A remote parser's job is kept, and asked first.
    """
    await connection.execute(_NEW_PARSE, {"documents": list(documents)})
    await connection.execute(_REOPEN, {"jobs": list(jobs)})
