"""One budget and one circuit per provider, shared by every process through the database.

A limit kept in each process would be passed by their sum, and Prefect's own concurrency slots leak
after a crash; a row in Postgres does neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.schema import SCHEMA

FAILURES_TO_OPEN = 5
OPEN_SECONDS = 15.0
QUOTA_OPEN_SECONDS = 60.0
_PROBE_SECONDS = 30.0
_PROBE_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Budget:
    """What a provider allows per minute; None is no limit of ours."""

    provider: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether a request may be sent now.

    Attributes:
        wait_seconds: 0 to send now, else ask again after this long.
        circuit_open: the provider is failing: fail fast rather than wait.
        reason: why the circuit is open, in words.
        open_seconds: for how long no answer has come since the circuit opened.
    """

    wait_seconds: float
    circuit_open: bool = False
    reason: str | None = None
    open_seconds: float = 0.0


_TABLE = f"{SCHEMA}.provider_budgets"
_CREATE = sa.text(
    f"""
    INSERT INTO {_TABLE} (provider, requests_per_minute, tokens_per_minute, requests_left,
                          tokens_left)
    VALUES (:provider, :rpm, :tpm, coalesce(:rpm, 0), coalesce(:tpm, 0))
    ON CONFLICT (provider) DO NOTHING
    """  # noqa: S608
)
_LIMITS = sa.text(
    f"""
    UPDATE {_TABLE} SET requests_per_minute = :rpm, tokens_per_minute = :tpm,
        requests_left = coalesce(CAST(:rpm AS int), 0),
        tokens_left = coalesce(CAST(:tpm AS int), 0),
        refilled_at = now()
    WHERE provider = :provider AND (requests_per_minute, tokens_per_minute)
        IS DISTINCT FROM (CAST(:rpm AS int), CAST(:tpm AS int))
    """  # noqa: S608
)
_LOOK = sa.text(
    f"""
    SELECT circuit, reason, requests_per_minute AS rpm, tokens_per_minute AS tpm,
           extract(epoch FROM paused_until - clock_timestamp()) AS paused,
           extract(epoch FROM opened_until - clock_timestamp()) AS opened,
           extract(epoch FROM clock_timestamp() - open_since) AS since
    FROM {_TABLE} WHERE provider = :provider
    """  # noqa: S608
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
    """  # noqa: S608
)
_PROBE = sa.text(
    f"""
    UPDATE {_TABLE} SET circuit = 'half_open',
        opened_until = clock_timestamp() + make_interval(secs => {_PROBE_SECONDS})
    WHERE provider = :provider AND circuit <> 'closed' AND opened_until <= clock_timestamp()
    """  # noqa: S608
)


async def ensure_budget(connection: AsyncConnection, budget: Budget) -> None:
    """Make the provider's row, and bring its limits to the settings."""
    values = {
        "provider": budget.provider,
        "rpm": budget.requests_per_minute,
        "tpm": budget.tokens_per_minute,
    }
    await connection.execute(_CREATE, values)
    await connection.execute(_LIMITS, values)


async def ask(connection: AsyncConnection, provider: str, tokens: int) -> Permit:
    """Ask to send one request of so many tokens."""
    values: dict[str, Any] = {"provider": provider, "tokens": tokens}
    state = (await rows(connection, _LOOK, values))[0]
    if state["circuit"] != "closed":
        # After the window one caller becomes the probe; the others wait for what it hears, else
        # the first answer after an outage would come too late for the rest of its run.
        if (await connection.execute(_PROBE, values)).rowcount == 0:
            wait = float(state["opened"] or 0)
            # an open circuit whose window is over became half open since we looked
            if state["circuit"] == "half_open" or wait <= 0:
                return Permit(_PROBE_POLL_SECONDS)
            since = float(state["since"] or 0)
            return Permit(wait, circuit_open=True, reason=state["reason"], open_seconds=since)
        return Permit(0)
    if state["paused"] is not None and state["paused"] > 0:
        return Permit(float(state["paused"]))
    if state["rpm"] is None and state["tpm"] is None:
        return Permit(0)
    if (await connection.execute(_TAKE, values)).rowcount:
        return Permit(0)
    per_second = min((state["rpm"] or 600) / 60.0, (state["tpm"] or 10**9) / 60.0 / max(tokens, 1))
    return Permit(min(max(1 / max(per_second, 0.01), 0.05), 10.0))


_PAUSE = sa.text(
    f"""
    UPDATE {_TABLE} SET paused_until =
        greatest(paused_until, clock_timestamp() + make_interval(secs => :seconds))
    WHERE provider = :provider
    """  # noqa: S608
)
_SUCCESS = sa.text(
    f"""
    UPDATE {_TABLE} SET circuit = 'closed', failures = 0, opened_until = NULL,
        open_since = NULL, reason = NULL
    WHERE provider = :provider AND (circuit <> 'closed' OR failures > 0)
    """  # noqa: S608
)
_FAILURE = sa.text(
    f"""
    UPDATE {_TABLE} SET failures = failures + 1,
        circuit = CASE WHEN failures + 1 >= :limit THEN 'open' ELSE circuit END,
        opened_until = CASE WHEN failures + 1 >= :limit
            THEN clock_timestamp() + make_interval(secs => :seconds) ELSE opened_until END,
        open_since = CASE WHEN failures + 1 >= :limit
            THEN coalesce(open_since, clock_timestamp()) END,
        reason = :reason
    WHERE provider = :provider
    """  # noqa: S608
)


_TROUBLED = sa.text(
    f"SELECT circuit <> 'closed' OR failures > 0 FROM {_TABLE} WHERE provider = :provider"  # noqa: S608
)


async def troubled(connection: AsyncConnection, provider: str) -> bool:
    """Whether `succeeded` would change anything; locks nothing."""
    return bool(await connection.scalar(_TROUBLED, {"provider": provider}))


async def pause(connection: AsyncConnection, provider: str, seconds: float) -> None:
    """The provider said to slow down: nobody sends for so many seconds."""
    await connection.execute(_PAUSE, {"provider": provider, "seconds": seconds})


async def succeeded(connection: AsyncConnection, provider: str) -> None:
    """An answer came: the circuit closes."""
    await connection.execute(_SUCCESS, {"provider": provider})


async def failed(
    connection: AsyncConnection, provider: str, reason: str, *, quota: bool = False
) -> None:
    """A request failed; the circuit opens at the fifth in a row, on an exhausted quota at once."""
    await connection.execute(
        _FAILURE,
        {
            "provider": provider,
            "reason": reason,
            "limit": 1 if quota else FAILURES_TO_OPEN,
            "seconds": QUOTA_OPEN_SECONDS if quota else OPEN_SECONDS,
        },
    )


_TELL = sa.text(
    f"""
    UPDATE {_TABLE} SET told_since = open_since
    WHERE provider = :provider AND open_since IS NOT NULL
      AND told_since IS DISTINCT FROM open_since
    """  # noqa: S608
)


async def is_to_be_told(connection: AsyncConnection, provider: str) -> bool:
    """Whether a person is to be told that the provider fails: once in an outage."""
    return (await connection.execute(_TELL, {"provider": provider})).rowcount == 1
