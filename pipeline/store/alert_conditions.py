"""Reads what alerts are raised from: circuits that are open, runs that near their cost cap."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING
from pipeline.store.engine import records
from pipeline.store.schema import listed


@dataclass(frozen=True, slots=True)
class OpenCircuit:
    """A provider that is not asked at the moment, though it is needed."""

    provider: str
    reason: str
    open_seconds: float


@dataclass(frozen=True, slots=True)
class CappedRun:
    """A run that has spent much of what it may."""

    run_id: UUID
    spent_usd: float
    cap_usd: float


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A release that did not hold, and was taken back by itself."""

    environment: str
    release_id: str
    reason: str


_TAKEN_BACK = sa.text(
    """
    SELECT environment, release_id, reason FROM rollouts
    WHERE step = 'rolled_back' AND ended_at > now() - make_interval(secs => :seconds)
    ORDER BY ended_at
    """
)
_CIRCUITS = sa.text(
    f"""
    SELECT provider, coalesce(reason, '') AS reason,
        coalesce(extract(epoch FROM clock_timestamp() - open_since), 0)::float AS open_seconds
    FROM provider_budgets
    WHERE open_since IS NOT NULL
      AND (opened_until > clock_timestamp() - make_interval(secs => :idle)
           OR EXISTS (SELECT FROM upload_jobs WHERE state IN ({listed(WORKING)})))
    ORDER BY provider
    """
)
_CAPPED = sa.text(
    """
    SELECT id AS run_id, cost_usd::float AS spent_usd, max_cost_usd::float AS cap_usd
    FROM ingest_runs
    WHERE finished_at IS NULL AND max_cost_usd > 0 AND cost_usd >= :share * max_cost_usd
      AND held_until > clock_timestamp()
    ORDER BY id
    """
)


async def open_circuits(connection: AsyncConnection, idle_seconds: float) -> list[OpenCircuit]:
    """Every provider that is not asked at the moment, and is needed.

    Args:
        idle_seconds: so long after it might have been asked again, a provider is not needed that
            nobody has asked, while no document is unfinished.
    """
    return await records(connection, OpenCircuit, _CIRCUITS, {"idle": idle_seconds})


async def capped_runs(connection: AsyncConnection, share: float) -> list[CappedRun]:
    """Runs under way that have spent so much of their cap.

    Args:
        share: Above 0, at most 1.
    """
    return await records(connection, CappedRun, _CAPPED, {"share": share})


async def taken_back(connection: AsyncConnection, seconds: float) -> list[TakenBack]:
    """Releases that were taken back by themselves in the last seconds."""
    return await records(connection, TakenBack, _TAKEN_BACK, {"seconds": seconds})
