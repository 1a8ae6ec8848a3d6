"""Reads what a load test watches: connections of the database, and how far users' jobs are.

Read only: connections as the pipeline's login, whose sessions it then sees; jobs as the service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import PUBLISHED, WORKING
from pipeline.store.engine import records
from pipeline.store.schema import listed


@dataclass(frozen=True, slots=True)
class Connections:
    """Clients of the database server at one moment.

    Attributes:
        open: connections to this database.
        active: those of them that run a statement.
        idle_in_transaction: those that hold a transaction and do nothing.
        most: that the server accepts.
    """

    open: int
    active: int
    idle_in_transaction: int
    most: int


# The session of who asks is left out: it would not be there but for the asking. What other logins
# do is hidden from a login that is no monitor; their connections are counted all the same.
_CONNECTIONS = sa.text(
    """
    SELECT count(*)::int AS open,
           (count(*) FILTER (WHERE state = 'active'))::int AS active,
           (count(*) FILTER (WHERE state LIKE 'idle in transaction%'))::int AS idle_in_transaction,
           current_setting('max_connections')::int AS most
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
)


async def connections(connection: AsyncConnection) -> Connections:
    """The server's connections now."""
    [found] = await records(connection, Connections, _CONNECTIONS)
    return found


@dataclass(frozen=True, slots=True)
class Progress:
    """What became of some users' jobs.

    Attributes:
        accepted: all of them.
        published: readers see them.
        waiting: they have not ended.
        cost_usd: what was paid for them.
        p50, p95: seconds from acceptance to publication, of those published.
    """

    accepted: int
    published: int
    waiting: int
    cost_usd: float
    p50: float | None
    p95: float | None


_PROGRESS = sa.text(
    f"""
    SELECT count(*)::int AS accepted,
           (count(*) FILTER (WHERE published))::int AS published,
           (count(*) FILTER (WHERE state IN ({listed(WORKING)})))::int AS waiting,
           coalesce(sum(cost_usd), 0)::float AS cost_usd,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE published) AS p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE published) AS p95
    FROM (SELECT state, cost_usd, state IN ({listed(PUBLISHED)}) AS published,
                 extract(epoch FROM finished_at - created_at)::float AS seconds
          FROM upload_jobs
          WHERE user_id = ANY(CAST(:users AS uuid[]))
          AND created_at >= now() - CAST(:since AS float) * interval '1 second') AS j
    """
)


async def progress(
    connection: AsyncConnection, users: Sequence[UUID], since_seconds: float
) -> Progress:
    """How far the users' jobs are that were accepted in so many last seconds."""
    values = {"users": list(users), "since": since_seconds}
    [found] = await records(connection, Progress, _PROGRESS, values)
    return found
