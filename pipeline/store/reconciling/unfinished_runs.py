"""Queries runs that are not finished, and that nobody works on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING
from pipeline.store.dead_runs import DEAD_RUNS, DeadRun
from pipeline.store.engine import Database, records, rows
from pipeline.store.job_owners import dead_holders
from pipeline.store.reconciling.paging import pages
from pipeline.store.schema import listed

FORGOTTEN_HOURS = 24
"""So long a run may wait for a worker that begins it."""
DEAD_MINUTES = 5
"""The sweep comes every minute, and writes down how dead runs ended."""

_WORKING = listed(WORKING)
_FORGOTTEN = f"""
    r.finished_at IS NULL AND r.held_until IS NULL
    AND r.started_at < now() - make_interval(hours => {FORGOTTEN_HOURS})
    AND NOT EXISTS (SELECT FROM run_jobs AS l
                    JOIN upload_jobs AS j ON j.id = l.job_id
                    WHERE l.run_id = r.id AND j.run_id = r.id AND j.state IN ({_WORKING}))
"""
_FIND = sa.text(
    f"""
    SELECT r.id AS key, true AS bad FROM ingest_runs AS r
    WHERE r.id > :after AND {_FORGOTTEN} ORDER BY r.id LIMIT :most
    """
)
_CLOSE = sa.text(
    f"""
    WITH ordered AS (
        SELECT r.id FROM ingest_runs AS r
        WHERE r.id = ANY(CAST(:runs AS uuid[])) AND {_FORGOTTEN} ORDER BY r.id FOR NO KEY UPDATE
    )
    UPDATE ingest_runs AS r SET finished_at = clock_timestamp(),
        stopped = 'Nobody worked on it to its end; other runs have its documents.'
    FROM ordered AS o WHERE r.id = o.id
    """
)


async def forgotten_runs(database: Database) -> AsyncIterator[list[UUID]]:
    """Runs that were begun long ago, that nobody holds and that have no job left."""
    async for page in pages(database, _FIND):
        yield [row["key"] for row in page]


async def close_runs(connection: AsyncConnection, runs: Sequence[UUID]) -> None:
    """Close those of the runs that are still forgotten."""
    await connection.execute(_CLOSE, {"runs": list(runs)})


_LONG_DEAD = sa.text(
    f"""
    {DEAD_RUNS} AND (held_until < now() - make_interval(mins => {DEAD_MINUTES})
        OR held_by = ANY(CAST(:dead AS text[])))
    ORDER BY held_until, id LIMIT 1000
    """
)


async def long_dead(connection: AsyncConnection) -> list[DeadRun]:
    """Runs that died and that no sweep has settled, the first thousand of them.

    A silent one may only be slow: a lease that ran out a moment ago is no finding.
    """
    values = {"dead": await dead_holders(connection)}
    return await records(connection, DeadRun, _LONG_DEAD, values)


@dataclass(frozen=True, slots=True)
class EndedFlowRun:
    """A flow run that our database knows to be over, whatever Prefect says."""

    flow_run_id: UUID
    run_id: UUID


_ENDED = sa.text(
    f"""
    SELECT r.flow_run_id, r.id AS run_id FROM ingest_runs AS r
    WHERE r.flow_run_id = ANY(CAST(:flow_runs AS uuid[]))
      AND (r.finished_at < now() - make_interval(mins => {DEAD_MINUTES})
           OR r.finished_at IS NULL
              AND r.held_until < now() - make_interval(mins => {DEAD_MINUTES})
           OR r.finished_at IS NULL AND r.held_by = ANY(CAST(:dead AS text[])))
    """
)


async def ended_flow_runs(
    connection: AsyncConnection, flow_runs: Sequence[UUID]
) -> list[EndedFlowRun]:
    """Those of the flow runs whose run here is over, or whose process is gone."""
    values = {"flow_runs": list(flow_runs), "dead": await dead_holders(connection)}
    return [
        EndedFlowRun(r["flow_run_id"], r["run_id"]) for r in await rows(connection, _ENDED, values)
    ]
