"""Backfills as runs: what each was asked for, how far it is, and whether a person paused it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import RunPaused, UsageError
from pipeline.states import FAILED, PUBLISHED, WORKING, Stop
from pipeline.store import stops
from pipeline.store.engine import records
from pipeline.store.job_owners import adopt, dead_holders
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor

PAUSED = "A person paused the backfill."


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill and how far it is.

    Attributes:
        user_id: whose documents; the operator's for everybody's.
        options: what it was asked for.
        selected: all its documents are chosen. paused: a person paused it.
        alive: a process works on it.
        documents, published, failed, waiting: its documents, and what became of them.
        stopped: why it ended early, in one sentence.
    """

    run_id: UUID
    user_id: UUID
    options: dict[str, Any]
    max_cost_usd: Decimal | None
    cost_usd: Decimal
    started_at: datetime
    finished_at: datetime | None
    selected: bool
    paused: bool
    alive: bool
    documents: int
    published: int
    failed: int
    waiting: int
    stopped: str | None


_BACKFILLS = f"""
    SELECT o.id AS run_id, o.user_id, o.options, o.max_cost_usd, o.cost_usd, o.started_at,
           o.finished_at, o.selected_at IS NOT NULL AS selected, o.paused_at IS NOT NULL AS paused,
           o.finished_at IS NULL AND coalesce(o.held_until >= now(), false)
               AND NOT o.held_by = ANY(CAST(:dead AS text[])) AS alive,
           r.documents, r.published, r.failed, r.waiting, o.stopped
    FROM ingest_runs AS o CROSS JOIN LATERAL (
        SELECT count(*)::int AS documents,
               (count(*) FILTER (WHERE j.state IN ({listed(PUBLISHED)})))::int AS published,
               (count(*) FILTER (WHERE j.state IN ({listed(FAILED)})))::int AS failed,
               (count(*) FILTER (WHERE j.state IN ({listed(WORKING)})))::int AS waiting
        FROM run_jobs AS m JOIN upload_jobs AS j ON j.id = m.job_id WHERE m.run_id = o.id
    ) AS r
    WHERE o.kind = 'backfill' AND o.options ? 'choice'
"""
_ONE = sa.text(f"{_BACKFILLS} AND o.id = :id")
_NAMED = sa.text(
    f"""
    {_BACKFILLS} AND starts_with(o.id::text, :prefix)
      AND (CAST(:user_id AS uuid) IS NULL OR o.user_id = :user_id) LIMIT 2
    """
)
_LAST = sa.text(
    f"""
    {_BACKFILLS} AND (CAST(:user_id AS uuid) IS NULL OR o.user_id = :user_id)
    ORDER BY o.started_at DESC LIMIT :limit
    """
)


async def backfill(connection: AsyncConnection, run_id: UUID) -> Backfill | None:
    """The backfill of this id; None when the run is another, or there is none."""
    values = {"id": run_id, "dead": await dead_holders(connection)}
    found = await records(connection, Backfill, _ONE, values)
    return found[0] if found else None


async def backfill_named(connection: AsyncConnection, prefix: str, user: UUID | None) -> Backfill:
    """The backfill whose id begins so.

    Args:
        user: whose it has to be; None for anybody's.

    Raises:
        UsageError: there is none, or more than one.
    """
    values = {"prefix": prefix.lower(), "user_id": user, "dead": await dead_holders(connection)}
    named = prefix.isascii() and prefix.isprintable() and prefix != ""
    found = await records(connection, Backfill, _NAMED, values) if named else []
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"More than one backfill begins with {prefix!r}." if found
        else f"There is no backfill {prefix!r}.",
        remedy="`navigator backfill list` names them; --everyone names other users' too.",
    )  # fmt: skip


async def last_backfills(
    connection: AsyncConnection, user: UUID | None, limit: int
) -> list[Backfill]:
    """The newest backfills first."""
    values = {"user_id": user, "limit": limit, "dead": await dead_holders(connection)}
    return await records(connection, Backfill, _LAST, values)


_SELECTED = sa.text("UPDATE ingest_runs SET selected_at = now() WHERE id = :id")
_IS_PAUSED = sa.text("SELECT paused_at IS NOT NULL FROM ingest_runs WHERE id = :id")


async def note_selected(connection: AsyncConnection, run_id: UUID) -> None:
    """Note that all documents of a backfill are chosen: begun again, it chooses no others."""
    await connection.execute(_SELECTED, {"id": run_id})


async def require_going(connection: AsyncConnection, run_id: UUID) -> None:
    """Make sure that nobody paused the run.

    Raises:
        RunPaused: a person did.
    """
    if await connection.scalar(_IS_PAUSED, {"id": run_id}):
        raise RunPaused(PAUSED)


_PAUSE = sa.text(
    """
    UPDATE ingest_runs SET paused_at = coalesce(paused_at, now())
    WHERE id = :id AND (finished_at IS NULL OR stopped IS NOT NULL)
    """
)


async def pause(connection: AsyncConnection, run_id: UUID) -> int:
    """Pause a backfill: its unfinished documents wait for a person, and no sweep takes them.

    Whoever works on it pays for nothing more, and ends when it sees that.

    Returns:
        How many documents were stopped now.
    """
    count = await stops.stop_run(connection, Stop.PERSON, Actor("person", run_id), PAUSED)
    await connection.execute(_PAUSE, {"id": run_id})
    return count


_ASK = sa.text(
    """
    UPDATE ingest_runs SET asked = true,
        max_cost_usd = coalesce(CAST(:cap AS numeric), max_cost_usd)
    WHERE id = :id
    """
)
_RESUME = sa.text("UPDATE ingest_runs SET paused_at = NULL WHERE id = :id")


async def ask_for(connection: AsyncConnection, run_id: UUID, cap: Decimal | None) -> None:
    """Note that a person wants the backfill to go on; in a transaction before `resume`.

    Args:
        cap: of the whole in dollars, with what it has spent; None for the one that it has.
    """
    await connection.execute(_ASK, {"id": run_id, "cap": cap})


async def resume(connection: AsyncConnection, run_id: UUID, actor: Actor) -> int:
    """Let the stopped documents of a backfill go on as its own; how many."""
    found = await stops.stopped_jobs(connection, run_id)
    adopted = await adopt(connection, [job for jobs in found.values() for job in jobs], actor)
    await connection.execute(_RESUME, {"id": run_id})
    return len(adopted)
