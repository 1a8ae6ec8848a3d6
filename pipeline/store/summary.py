"""Reads the corpus and its runs in figures. Read only; what the connection's role may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import PUBLISHED
from pipeline.store.engine import records, rows
from pipeline.store.schema import listed


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run.

    Attributes:
        documents: that were new, changed or waiting. seconds: until now while it runs.
    """

    run_id: UUID
    kind: str
    started_at: datetime
    finished_at: datetime | None
    seconds: float
    documents: int
    published: int
    cost_usd: Decimal
    stopped: str | None


_RUNS = f"""
    SELECT r.id AS run_id, r.kind, r.started_at, r.finished_at,
           extract(epoch FROM coalesce(r.finished_at, clock_timestamp()) - r.started_at)::float
               AS seconds,
           (SELECT count(*) FROM run_jobs AS m
            WHERE m.run_id = r.id AND m.outcome <> 'unchanged') AS documents,
           (SELECT count(*) FROM run_jobs AS m
            JOIN upload_jobs AS j ON j.id = m.job_id
            WHERE m.run_id = r.id AND m.outcome <> 'unchanged'
              AND j.state IN ({listed(PUBLISHED)}))
               AS published,
           r.cost_usd, r.stopped
    FROM ingest_runs AS r
"""
_RUN = sa.text(f"{_RUNS} WHERE starts_with(r.id::text, :prefix) LIMIT 2")
_LAST_RUNS = sa.text(f"{_RUNS} ORDER BY r.started_at DESC LIMIT :limit")
_DELETED = sa.text(
    """
    SELECT count(DISTINCT document_id) FROM job_events
    WHERE run_id = :run_id AND to_state = 'deleted'
    """
)
_MOVED = sa.text(
    """
    SELECT count(DISTINCT document_id) FROM job_events
    WHERE run_id = :run_id AND event = 'relocated'
    """
)


async def find_run(connection: AsyncConnection, prefix: str) -> RunRecord | None:
    """The run whose id begins so; None when there is none, or more than one."""
    if not prefix.isascii():  # no id, and perhaps no text that Postgres takes
        return None
    found = await rows(connection, _RUN, {"prefix": prefix})
    return RunRecord(**found[0]) if len(found) == 1 else None


async def last_runs(connection: AsyncConnection, limit: int) -> list[RunRecord]:
    """The newest runs first."""
    return await records(connection, RunRecord, _LAST_RUNS, {"limit": limit})


async def deleted_in_run(connection: AsyncConnection, run_id: UUID) -> int:
    """Documents that a run deleted because their files were gone."""
    return int(await connection.scalar(_DELETED, {"run_id": run_id}) or 0)


async def moved_in_run(connection: AsyncConnection, run_id: UUID) -> int:
    """Documents whose files a run found at another path."""
    return int(await connection.scalar(_MOVED, {"run_id": run_id}) or 0)


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    """Everything in one look.

    Attributes:
        by_state: documents by the state of their newest job.
        published: documents that readers see. vectors: by embedding model.
    """

    by_state: dict[str, int]
    published: int
    chunks: int
    vectors: dict[str, int]
    tokens: int
    cost_usd: Decimal


_STATES = sa.text(
    """
    SELECT j.state, count(*) AS documents FROM documents AS d
    JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.deleted_at IS NULL GROUP BY j.state
    """
)
_SUMS = sa.text(
    """
    SELECT (SELECT count(*) FROM documents
            WHERE published_job_id IS NOT NULL AND deleted_at IS NULL) AS published,
           (SELECT count(*) FROM document_chunks) AS chunks,
           (SELECT coalesce(sum(billed_tokens), 0)::bigint FROM upload_jobs) AS tokens,
           (SELECT coalesce(sum(cost_usd), 0) FROM upload_jobs) AS cost_usd
    """
)
_VECTORS = sa.text(
    """
    SELECT s.provider || '/' || s.model || ' (' || s.dimension || ')' AS model, v.vectors
    FROM (SELECT space_id, count(*) AS vectors FROM chunk_vectors GROUP BY space_id) AS v
    JOIN embedding_spaces AS s ON s.id = v.space_id ORDER BY v.vectors DESC
    """
)


async def summarize(connection: AsyncConnection) -> CorpusSummary:
    """The corpus in figures."""
    sums = (await rows(connection, _SUMS))[0]
    return CorpusSummary(
        by_state={r["state"]: r["documents"] for r in await rows(connection, _STATES)},
        vectors={r["model"]: r["vectors"] for r in await rows(connection, _VECTORS)},
        **sums,
    )
