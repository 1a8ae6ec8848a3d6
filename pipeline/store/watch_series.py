"""Reads what the ledgers know by the hour: calls of services, documents, stages, warnings.

Read only, without a lock; everybody's rows, so as the service. An hour is a number since `since`.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import FAILED, PUBLISHED, JobState
from pipeline.store.engine import rows
from pipeline.store.schema import listed

TENANTS = 20
"""So many tenants are looked at one by one: those with the most documents in a week."""

_PUBLISHED = listed(PUBLISHED)
_FAILED = listed(each for each in FAILED if each is not JobState.QUARANTINED)
_ENDED = listed((*PUBLISHED, *FAILED))
_HOUR = "floor(extract(epoch FROM {} - :since) / 3600)::int AS hour"

_CALLS = sa.text(
    f"""
    SELECT service, {_HOUR.format("at")}, count(*) AS calls,
           count(*) FILTER (WHERE outcome <> 'ok') AS failed,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)
               FILTER (WHERE outcome = 'ok') AS p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)
               FILTER (WHERE outcome = 'ok') AS p95,
           sum(tokens)::float AS tokens, sum(cost_usd)::float AS cost
    FROM service_calls WHERE at >= :since AND at < :until GROUP BY service, hour
    """
)
_STAGES = sa.text(
    f"""
    SELECT s.key AS stage, {_HOUR.format("finished_at")}, count(*) AS jobs,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY s.value::float) AS p50
    FROM upload_jobs, jsonb_each_text(stage_seconds) AS s
    WHERE finished_at >= :since AND finished_at < :until GROUP BY s.key, hour
    """
)
_ENDINGS = sa.text(
    f"""
    SELECT {_HOUR.format("finished_at")}, count(*) AS ended,
           count(*) FILTER (WHERE state IN ({_PUBLISHED})) AS published,
           count(*) FILTER (WHERE state IN ({_FAILED})) AS failed,
           count(*) FILTER (WHERE state = 'quarantined') AS quarantined
    FROM upload_jobs
    WHERE finished_at >= :since AND finished_at < :until AND state IN ({_ENDED}) GROUP BY hour
    """
)
_TENANTS = sa.text(
    f"""
    WITH ended AS (
        SELECT user_id, finished_at, state IN ({_FAILED}) AS failed FROM upload_jobs
        WHERE finished_at >= :since AND finished_at < :until AND state IN ({_ENDED})
    ), busiest AS (
        SELECT user_id FROM ended
        WHERE finished_at >= CAST(:until AS timestamptz) - interval '7 days'
        GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT {TENANTS}
    )
    SELECT user_id, {_HOUR.format("finished_at")}, count(*) AS ended,
           count(*) FILTER (WHERE failed) AS failed
    FROM ended JOIN busiest USING (user_id) GROUP BY user_id, hour
    """
)
_ARRIVALS = sa.text(
    f"""
    SELECT {_HOUR.format("created_at")}, count(*) AS arrived FROM upload_jobs
    WHERE created_at >= :since AND created_at < :until GROUP BY hour
    """
)
_WARNED = sa.text(
    f"""
    SELECT {_HOUR.format("at")}, count(DISTINCT job_id) AS warned FROM quality_results
    WHERE at >= :since AND at < :until AND job_id IS NOT NULL AND NOT success
      AND severity = 'warning' GROUP BY hour
    """
)
_CHANGES = sa.text(
    """
    SELECT 'release ' || release_id AS what, ended_at AS at FROM rollouts
    WHERE ended_at >= :since
    UNION ALL
    SELECT kind || ' of the embedding space', created_at FROM space_switches
    WHERE created_at >= :since
    UNION ALL
    SELECT kind || ' of the chunks', created_at FROM recipe_switches
    WHERE created_at >= :since ORDER BY at
    """
)
_BUDGETS = sa.text(
    """
    SELECT provider, tokens_per_minute, circuit FROM provider_budgets ORDER BY provider
    """
)
_MONTH = sa.text(
    """
    SELECT coalesce(sum(cost_usd), 0)::float FROM service_calls
    WHERE at >= date_trunc('month', CAST(:until AS timestamptz), 'UTC') AND at < :until
    """
)

Rows = list[sa.RowMapping]
LEDGERS = {
    "calls": _CALLS,
    "stages": _STAGES,
    "endings": _ENDINGS,
    "tenants": _TENANTS,
    "arrivals": _ARRIVALS,
    "warned": _WARNED,
    "changes": _CHANGES,
}


async def ledgers(connection: AsyncConnection, since: datetime, until: datetime) -> dict[str, Rows]:
    """The rows of each ledger, from whole hour to whole hour; `until` is left out."""
    values = {"since": since, "until": until}
    found = {}
    for name, statement in LEDGERS.items():
        found[name] = await rows(connection, statement, values)
    return found


async def budgets(connection: AsyncConnection) -> Rows:
    """Of each provider: its tokens a minute, where it has a limit, and its circuit."""
    return await rows(connection, _BUDGETS)


async def spent_this_month(connection: AsyncConnection, until: datetime) -> float:
    """US dollars spent since the first of the month (UTC)."""
    return float(await connection.scalar(_MONTH, {"until": until}) or 0.0)
