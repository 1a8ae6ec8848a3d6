"""Shadows: another release that works on a share of the new documents, and publishes nothing.

Each document's result on both sides is kept until the shadow ends; then only its statistics stay.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import UsageError
from pipeline.states import FAILED, PUBLISHED
from pipeline.store.canaries import USERS
from pipeline.store.engine import records
from pipeline.store.schema import listed

ENDED = (*PUBLISHED, *FAILED)
"""States in which the release that runs has done its part."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """One shadow.

    Attributes:
        share: of the new documents, above 0 to 1.
        wanted: documents to be compared.
        first_event: of the audit; documents that were registered before it are not new.
        statistics: what was left of the results when it ended.
    """

    id: UUID
    environment: str
    release_id: str
    share: float
    wanted: int
    max_cost_usd: Decimal
    spent_usd: Decimal
    first_event: int
    who: str
    created_at: datetime
    ended_at: datetime | None
    reason: str
    statistics: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A document that the release which runs has worked on, as its newest job says.

    Attributes:
        has_gaps: something in it was not read.
    """

    job_id: UUID
    document_id: UUID
    user_id: UUID
    source: str
    file_sha256: str
    storage_key: str
    state: str
    error_code: str | None
    parser: str
    parsed_key: str | None
    media_type: str | None
    pages: int | None
    characters: int | None
    tokens: int | None
    language: str
    notes: list[dict[str, Any]]
    stage_seconds: dict[str, float]
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class ShadowResult:
    """One document on both sides, as `published` and `found` hold it."""

    job_id: UUID
    published: dict[str, Any]
    found: dict[str, Any]
    cost_usd: Decimal


_BEGIN = sa.text(
    """
    INSERT INTO shadow_runs (id, environment, release_id, share, wanted, max_cost_usd, who,
                             first_event)
    VALUES (:id, :environment, :release, :share, :wanted, :max_cost_usd, :who,
            (SELECT coalesce(max(id), 0) FROM job_events))
    """
)


async def begin(
    connection: AsyncConnection,
    environment: str,
    release_id: str,
    *,
    share: float,
    wanted: int,
    max_cost_usd: Decimal,
    who: str,
) -> UUID:
    """Begin a shadow; an environment has one at a time.

    Raises:
        UsageError: another one is under way.
    """
    values = {
        "id": uuid4(), "environment": environment, "release": release_id, "share": share,
        "wanted": wanted, "max_cost_usd": max_cost_usd, "who": who,
    }  # fmt: skip
    try:
        await connection.execute(_BEGIN, values)
    except IntegrityError as error:
        raise UsageError(
            f"Another shadow in {environment} is under way.",
            remedy=f"See `navigator shadow status {environment}`, or end it with `navigator "
            f"shadow stop {environment}`.",
        ) from error
    return UUID(str(values["id"]))


_COLUMNS = """
    SELECT id, environment, release_id, share, wanted, max_cost_usd, spent_usd, first_event, who,
           created_at, ended_at, reason, statistics
    FROM shadow_runs
"""
_ONE = sa.text(f"{_COLUMNS} WHERE id = :id")
_NEWEST = sa.text(
    f"{_COLUMNS} WHERE environment = :environment ORDER BY ended_at IS NULL DESC, created_at DESC "
    "LIMIT 1"
)


async def shadow(connection: AsyncConnection, shadow_id: UUID) -> Shadow:
    """One shadow, by its id."""
    [found] = await records(connection, Shadow, _ONE, {"id": shadow_id})
    return found


async def newest(connection: AsyncConnection, environment: str) -> Shadow | None:
    """The shadow that is under way, else the one that ended last; None when there was none."""
    found = await records(connection, Shadow, _NEWEST, {"environment": environment})
    return found[0] if found else None


# By the audit, which has an index: the jobs have none by their time or state. What is drawn is
# drawn by the document's id, so that all versions of one are in or out.
_CHOSEN = sa.text(
    f"""
    WITH ended AS (
        SELECT DISTINCT e.job_id FROM job_events AS e
        JOIN job_events AS r ON r.job_id = e.job_id AND r.event = 'registered'
        WHERE e.id > :first_event AND r.id > :first_event
          AND e.to_state IN ({listed(ENDED)})
          AND e.user_id <> ALL(CAST(:canaries AS uuid[]))
          AND ('x' || left(md5(e.document_id::text), 8))::bit(32)::bigint < :share * 4294967296
    )
    SELECT j.id AS job_id, j.document_id, j.user_id, d.source, j.file_sha256, j.storage_key,
           j.state, j.error_code, j.parser, j.parsed_key, j.media_type, j.pages, j.characters,
           j.tokens, j.language, j.notes, j.stage_seconds, j.cost_usd
    FROM ended AS e
    JOIN upload_jobs AS j ON j.id = e.job_id
    JOIN documents AS d ON d.latest_job_id = j.id AND d.deleted_at IS NULL
    WHERE j.state IN ({listed(ENDED)})
      AND NOT EXISTS (SELECT FROM shadow_results AS r
                      WHERE r.shadow_id = :shadow AND r.job_id = j.id)
    ORDER BY j.created_at, j.id LIMIT :most
    """
)


async def chosen(connection: AsyncConnection, shadow: Shadow, most: int) -> Sequence[Chosen]:
    """New documents of the share that have ended, and that the shadow has not compared yet."""
    values = {
        "shadow": shadow.id, "first_event": shadow.first_event, "share": shadow.share,
        "most": most, "canaries": list(USERS),
    }  # fmt: skip
    return await records(connection, Chosen, _CHOSEN, values)


@dataclass(frozen=True, slots=True)
class PublishedChunk:
    """A published passage: its id and the hash of its text."""

    id: UUID
    sha256: str


_CHUNKS = sa.text(
    """
    SELECT c.id, c.sha256 FROM document_chunks AS c
    JOIN documents AS d ON d.id = c.document_id AND d.published_job_id = :job
    WHERE c.document_id = :document ORDER BY c.ordinal
    """
)


async def published_chunks(connection: AsyncConnection, job: Chosen) -> list[PublishedChunk]:
    """The passages that the job has published, in their order; of a failed one none."""
    values = {"document": job.document_id, "job": job.job_id}
    return await records(connection, PublishedChunk, _CHUNKS, values)


@dataclass(frozen=True, slots=True)
class Typical:
    """The documents that came last: how large they are, and by which pipeline they were made.

    Attributes:
        documents: how many were looked at, 0 to 200.
        tokens: of one of them, on average.
    """

    documents: int
    tokens: float
    parser: str | None
    chunker: str | None
    space_id: UUID | None


# The newest by their numbers in the audit, for which there is an index.
_TYPICAL = sa.text(
    f"""
    WITH newest AS (
        SELECT job_id FROM job_events
        WHERE id > (SELECT coalesce(max(id), 0) - 20000 FROM job_events)
          AND to_state IN ({listed(PUBLISHED)}) AND user_id <> ALL(CAST(:canaries AS uuid[]))
        ORDER BY id DESC LIMIT 200
    ), jobs AS (
        SELECT j.* FROM newest AS n JOIN upload_jobs AS j ON j.id = n.job_id
    )
    SELECT count(*) AS documents, coalesce(avg(tokens), 0)::float8 AS tokens,
           (array_agg(parser ORDER BY finished_at DESC))[1] AS parser,
           (array_agg(chunker ORDER BY finished_at DESC))[1] AS chunker,
           (array_agg(space_id ORDER BY finished_at DESC))[1] AS space_id
    FROM jobs
    """
)


async def typical(connection: AsyncConnection) -> Typical:
    """The documents that were published last."""
    values = {"canaries": list(USERS)}
    return (await records(connection, Typical, _TYPICAL, values))[0]


_RESERVE = sa.text(
    """
    UPDATE shadow_runs SET spent_usd = spent_usd + :usd
    WHERE id = :id AND ended_at IS NULL AND spent_usd + :usd <= max_cost_usd
    """
)
_SETTLE = sa.text("UPDATE shadow_runs SET spent_usd = spent_usd + :usd WHERE id = :id")


async def reserve(connection: AsyncConnection, shadow_id: UUID, usd: Decimal) -> bool:
    """Count what a request may cost before it is sent; False when that passes the cap."""
    done = await connection.execute(_RESERVE, {"id": shadow_id, "usd": usd})
    return done.rowcount == 1


async def settle(connection: AsyncConnection, shadow_id: UUID, usd: Decimal) -> None:
    """Correct what was reserved by the difference to the bill."""
    await connection.execute(_SETTLE, {"id": shadow_id, "usd": usd})


# The job is locked: nobody deletes its document in between. With a newer version there, the two
# sides were not read of the same one.
_LIVING = sa.text(
    """
    SELECT j.user_id FROM upload_jobs AS j JOIN documents AS d ON d.latest_job_id = j.id
    WHERE j.id = :job AND j.state <> 'deleted' FOR NO KEY UPDATE OF j
    """
)
_KEEP = sa.text(
    """
    INSERT INTO shadow_results (shadow_id, job_id, user_id, published, found, cost_usd)
    SELECT s.id, :job, :user, CAST(:published AS jsonb), CAST(:found AS jsonb), :usd
    FROM shadow_runs AS s WHERE s.id = :shadow AND s.ended_at IS NULL
    ON CONFLICT (shadow_id, job_id) DO NOTHING
    """
)


async def keep(connection: AsyncConnection, shadow_id: UUID, result: ShadowResult) -> bool:
    """Keep a document's result; False when it was deleted or changed, or the shadow ended."""
    user = await connection.scalar(_LIVING, {"job": result.job_id})
    if user is None:
        return False
    values = {
        "shadow": shadow_id, "job": result.job_id, "user": user, "usd": result.cost_usd,
        "published": json.dumps(result.published), "found": json.dumps(result.found),
    }  # fmt: skip
    return (await connection.execute(_KEEP, values)).rowcount == 1


_RESULTS = sa.text(
    """
    SELECT job_id, published, found, cost_usd FROM shadow_results
    WHERE shadow_id = :id ORDER BY created_at, job_id
    """
)


async def results(connection: AsyncConnection, shadow_id: UUID) -> Sequence[ShadowResult]:
    """What was compared so far, in its order."""
    return await records(connection, ShadowResult, _RESULTS, {"id": shadow_id})


_FORGET = sa.text(
    """
    WITH own AS (
        SELECT shadow_id, job_id FROM shadow_results WHERE shadow_id = :id
        ORDER BY shadow_id, job_id FOR UPDATE
    )
    DELETE FROM shadow_results AS r USING own AS o
    WHERE r.shadow_id = o.shadow_id AND r.job_id = o.job_id
    """
)
_ASK_TO_END = sa.text("UPDATE shadow_runs SET reason = :reason WHERE id = :id AND ended_at IS NULL")


async def ask_to_end(connection: AsyncConnection, shadow_id: UUID, reason: str) -> None:
    """Have the process that works on a shadow end it, for this reason."""
    await connection.execute(_ASK_TO_END, {"id": shadow_id, "reason": reason})


_END = sa.text(
    """
    UPDATE shadow_runs SET ended_at = clock_timestamp(), reason = :reason,
        statistics = CAST(:statistics AS jsonb)
    WHERE id = :id AND ended_at IS NULL
    """
)


async def end(
    connection: AsyncConnection, shadow_id: UUID, reason: str, statistics: dict[str, Any]
) -> bool:
    """End a shadow and remove its documents' results; False when it had ended already."""
    await connection.execute(_FORGET, {"id": shadow_id})
    values = {"id": shadow_id, "reason": reason, "statistics": json.dumps(statistics)}
    return (await connection.execute(_END, values)).rowcount == 1
