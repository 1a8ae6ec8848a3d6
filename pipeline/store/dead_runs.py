"""Finds dead runs: they never said how they ended, and their process is gone or silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records
from pipeline.store.job_owners import dead_holders


@dataclass(frozen=True, slots=True)
class DeadRun:
    """A dead run: it never said how it ended, and its process is gone or silent.

    Attributes:
        paused: a person paused it before. capped: it is a backfill with a cost cap.
    """

    run_id: UUID
    flow_run_id: UUID | None
    held_until: datetime
    paused: bool
    capped: bool


DEAD_RUNS = """
    SELECT id AS run_id, flow_run_id, held_until, paused_at IS NOT NULL AS paused,
           kind = 'backfill' AND max_cost_usd IS NOT NULL AS capped
    FROM ingest_runs WHERE finished_at IS NULL AND held_until IS NOT NULL
"""
"""The columns of `DeadRun` of every run that was held and is not over."""

_DEAD = sa.text(
    f"""
    {DEAD_RUNS} AND (held_until < now() OR held_by = ANY(CAST(:dead AS text[])))
    ORDER BY held_until LIMIT 100
    """
)


async def dead_runs(connection: AsyncConnection) -> list[DeadRun]:
    """Runs that died: their jobs are free, and what became of them is to be written down."""
    values = {"dead": await dead_holders(connection)}
    return await records(connection, DeadRun, _DEAD, values)
