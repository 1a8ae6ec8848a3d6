"""Rate limits of a provider, a token bucket in one row that every process shares.

A limit kept in each process would be passed by their sum, and Prefect's own concurrency slots leak
after a crash; a row in Postgres does neither. The same row holds the provider's circuit breaker
(`circuit_breaker.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import circuit_breaker
from pipeline.store.circuit_breaker import Permit
from pipeline.store.engine import rows

_TABLE = "provider_budgets"


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Rate limits of a provider per minute; None is no limit of ours."""

    provider: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


_CREATE = sa.text(
    f"""
    INSERT INTO {_TABLE} (provider, requests_per_minute, tokens_per_minute, requests_left,
                          tokens_left)
    VALUES (:provider, :rpm, :tpm, coalesce(:rpm, 0), coalesce(:tpm, 0))
    ON CONFLICT (provider) DO NOTHING
    """
)
_LIMITS = sa.text(
    f"""
    UPDATE {_TABLE} SET requests_per_minute = :rpm, tokens_per_minute = :tpm,
        requests_left = coalesce(CAST(:rpm AS int), 0),
        tokens_left = coalesce(CAST(:tpm AS int), 0),
        refilled_at = now()
    WHERE provider = :provider AND (requests_per_minute, tokens_per_minute)
        IS DISTINCT FROM (CAST(:rpm AS int), CAST(:tpm AS int))
    """
)
_LOOK = sa.text(
    f"""
    SELECT circuit, reason, requests_per_minute AS rpm, tokens_per_minute AS tpm,
           extract(epoch FROM paused_until - clock_timestamp()) AS paused,
           extract(epoch FROM opened_until - clock_timestamp()) AS opened,
           extract(epoch FROM clock_timestamp() - open_since) AS since
    FROM {_TABLE} WHERE provider = :provider
    """
)
# Refill by the time passed, up to one minute's worth, then take if there is enough.
_TAKE = sa.text(
    f"""
    WITH refilled AS (
        SELECT provider,
            least(requests_per_minute, requests_left + requests_per_minute / 60.0
                * extract(epoch FROM clock_timestamp() - refilled_at)) AS requests,
            least(tokens_per_minute, tokens_left + tokens_per_minute / 60.0
                * extract(epoch FROM clock_timestamp() - refilled_at)) AS tokens
        FROM {_TABLE} WHERE provider = :provider FOR UPDATE
    )
    UPDATE {_TABLE} AS b SET
        requests_left = coalesce(r.requests - 1, 0), tokens_left = coalesce(r.tokens - :tokens, 0),
        refilled_at = clock_timestamp()
    FROM refilled AS r
    WHERE b.provider = r.provider AND coalesce(r.requests, 1) >= 1
      -- a request larger than a whole minute's tokens goes when the bucket is full
      AND coalesce(r.tokens >= least(:tokens, b.tokens_per_minute), true)
    """
)


async def ensure_limits(connection: AsyncConnection, budget: RateLimits) -> None:
    """Create the provider's row (its token bucket), and bring its limits to the settings."""
    values = {
        "provider": budget.provider,
        "rpm": budget.requests_per_minute,
        "tpm": budget.tokens_per_minute,
    }
    await connection.execute(_CREATE, values)
    await connection.execute(_LIMITS, values)


async def acquire(connection: AsyncConnection, provider: str, tokens: int) -> Permit:
    """Acquire a permit for one request of so many tokens, from the token bucket."""
    state = (await rows(connection, _LOOK, {"provider": provider}))[0]
    return await _acquire(connection, provider, tokens, state)


async def acquire_known(connection: AsyncConnection, provider: str, tokens: int) -> Permit:
    """The same of a provider that may have no row yet, since nothing was embedded by it here."""
    found = await rows(connection, _LOOK, {"provider": provider})
    return await _acquire(connection, provider, tokens, found[0]) if found else Permit(0)


async def _acquire(
    connection: AsyncConnection, provider: str, tokens: int, state: sa.RowMapping
) -> Permit:
    values: dict[str, Any] = {"provider": provider, "tokens": tokens}
    if state["circuit"] != "closed":
        return await circuit_breaker.probe(connection, provider, state)
    if state["paused"] is not None and state["paused"] > 0:
        return Permit(float(state["paused"]))
    if state["rpm"] is None and state["tpm"] is None:
        return Permit(0)
    if (await connection.execute(_TAKE, values)).rowcount:
        return Permit(0)
    per_second = min((state["rpm"] or 600) / 60.0, (state["tpm"] or 10**9) / 60.0 / max(tokens, 1))
    return Permit(min(max(1 / max(per_second, 0.01), 0.05), 10.0))


async def acquire_spare(connection: AsyncConnection, provider: str, tokens: int) -> Permit:
    """Acquire a permit for work that can wait: it never probes a provider that fails.

    A provider whose limits nobody has set has none.
    """
    found = await rows(connection, _LOOK, {"provider": provider})
    if not found:
        return Permit(0)
    if found[0]["circuit"] != "closed":
        return Permit(float(found[0]["opened"] or 0), circuit_open=True)
    return await acquire(connection, provider, tokens)


_PAUSE = sa.text(
    f"""
    UPDATE {_TABLE} SET paused_until =
        greatest(paused_until, clock_timestamp() + make_interval(secs => :seconds))
    WHERE provider = :provider
    """
)


async def pause(connection: AsyncConnection, provider: str, seconds: float) -> None:
    """Pause a provider that said to slow down (429): nobody sends for so many seconds."""
    await connection.execute(_PAUSE, {"provider": provider, "seconds": seconds})
