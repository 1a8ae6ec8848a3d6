"""Queries the ledger of calls against what runs and documents say of themselves.

Only what is settled is compared: runs that are over for `SETTLED_MINUTES` by the database's clock,
users of whom nothing is under way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import Database, records
from pipeline.store.job_owners import dead_holders
from pipeline.store.reconciling.paging import PAGE, last, pages

SETTLED_MINUTES = 10

# Over, or its holder gone, for a while; and nobody works on a job of it.
_OVER = f"""
    (r.finished_at < now() - make_interval(mins => {SETTLED_MINUTES})
     OR r.finished_at IS NULL
        AND coalesce(r.held_until, r.started_at) < now() - make_interval(mins => {SETTLED_MINUTES})
     OR r.finished_at IS NULL AND r.held_by = ANY(CAST(:dead AS text[])))
    AND NOT EXISTS (SELECT FROM run_jobs AS l
                    JOIN upload_jobs AS j ON j.id = l.job_id
                    WHERE l.run_id = r.id AND j.run_id = r.id AND j.lease_until >= now())
"""
_CALLS = """
    SELECT coalesce(sum(cost_usd), 0) AS paid FROM service_calls WHERE run_id = r.id
"""


@dataclass(frozen=True, slots=True)
class RunMoney:
    """A run's money: what it says it cost, what its calls cost, what it has reserved."""

    run_id: UUID
    cost: Decimal
    paid: Decimal
    reserved: Decimal


_RUNS = sa.text(
    f"""
    WITH page AS (
        SELECT r.id AS key, r.cost_usd AS cost, r.reserved_usd AS reserved, {_OVER} AS over
        FROM ingest_runs AS r WHERE r.id > :after ORDER BY r.id LIMIT :most
    ), looked AS (
        SELECT p.*, c.paid, p.over AND (p.cost <> c.paid OR p.reserved <> 0) AS bad
        FROM page AS p
        JOIN LATERAL (SELECT coalesce(sum(cost_usd), 0) AS paid FROM service_calls
                      WHERE run_id = p.key) AS c ON true
    )
    SELECT p.* FROM looked AS p WHERE p.bad OR {last("page")}
    """
)


async def differing_runs(database: Database) -> AsyncIterator[list[RunMoney]]:
    """Runs whose cost is not their calls', or that still promise money, a page at a time."""
    async with database.service() as connection:
        dead = await dead_holders(connection)
    async for page in pages(database, _RUNS, {"dead": dead}):
        yield [RunMoney(r["key"], r["cost"], r["paid"], r["reserved"]) for r in page]


_STILL_OVER = f"""
    WITH ordered AS (
        SELECT r.id FROM ingest_runs AS r
        WHERE r.id = ANY(CAST(:runs AS uuid[])) AND {_OVER} ORDER BY r.id FOR NO KEY UPDATE
    )
"""
_CORRECT = sa.text(
    f"""
    {_STILL_OVER}
    UPDATE ingest_runs AS r SET cost_usd = ({_CALLS}) FROM ordered AS o WHERE r.id = o.id
    """
)
_GIVE_BACK = sa.text(
    f"""
    {_STILL_OVER}
    UPDATE ingest_runs AS r SET reserved_usd = 0 FROM ordered AS o WHERE r.id = o.id
    """
)


async def correct_costs(connection: AsyncConnection, runs: Sequence[UUID]) -> None:
    """Set the runs' costs to those of their calls, where they are still over."""
    values = {"runs": list(runs), "dead": await dead_holders(connection)}
    await connection.execute(_CORRECT, values)


async def give_promises_back(connection: AsyncConnection, runs: Sequence[UUID]) -> None:
    """Promise nothing any more for the runs that are still over."""
    values = {"runs": list(runs), "dead": await dead_holders(connection)}
    await connection.execute(_GIVE_BACK, values)


@dataclass(frozen=True, slots=True)
class UserBill:
    """What a user's documents say they cost, and what the user's calls cost."""

    user_id: UUID
    billed_tokens: int
    called_tokens: int
    billed_usd: Decimal
    called_usd: Decimal


# A call for several users, or of an erased one, names nobody: then the sums may differ. One of no
# run was for no document.
_BILLS = sa.text(
    f"""
    SELECT j.user_id, j.tokens AS billed_tokens, coalesce(c.tokens, 0)::bigint AS called_tokens,
           j.usd AS billed_usd, coalesce(c.usd, 0) AS called_usd
    FROM (SELECT user_id, sum(billed_tokens)::bigint AS tokens, sum(cost_usd) AS usd,
                 coalesce(bool_or(lease_until >= now()), false) AS busy
          FROM upload_jobs GROUP BY user_id) AS j
    LEFT JOIN (SELECT user_id, sum(tokens) AS tokens, sum(cost_usd) AS usd, max(at) AS newest
               FROM service_calls WHERE run_id IS NOT NULL
               GROUP BY user_id) AS c ON c.user_id = j.user_id
    WHERE NOT j.busy
      AND (c.newest IS NULL OR c.newest < now() - make_interval(mins => {SETTLED_MINUTES}))
      AND (j.tokens, j.usd) IS DISTINCT FROM (coalesce(c.tokens, 0), coalesce(c.usd, 0))
      AND NOT EXISTS (SELECT FROM service_calls
                      WHERE user_id IS NULL AND run_id IS NOT NULL
                        AND (tokens > 0 OR cost_usd > 0))
    ORDER BY j.user_id LIMIT {PAGE}
    """
)


async def differing_bills(connection: AsyncConnection) -> list[UserBill]:
    """Users whose documents do not add up to their calls, the first thousand of them."""
    return await records(connection, UserBill, _BILLS)
