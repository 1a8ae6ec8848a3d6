"""Circuit breaker of a provider: closed, open or half open, in one row that every process shares.

Five failures in a row open it, an exhausted quota at once; after a while one caller probes the
provider, and an answer closes it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.retry_policy import (
    FAILURES_TO_OPEN,
    OPEN_SECONDS,
    PROBE_POLL_SECONDS,
    PROBE_SECONDS,
    QUOTA_OPEN_SECONDS,
)
from pipeline.store import alerts

OUTAGE = "circuit-open"
"""The kind of the alert of an open circuit; its key is the provider."""
_TABLE = "provider_budgets"


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


_PROBE = sa.text(
    f"""
    UPDATE {_TABLE} SET circuit = 'half_open',
        opened_until = clock_timestamp() + make_interval(secs => {PROBE_SECONDS})
    WHERE provider = :provider AND circuit <> 'closed' AND opened_until <= clock_timestamp()
    """
)
_SUCCESS = sa.text(
    f"""
    UPDATE {_TABLE} SET circuit = 'closed', failures = 0, opened_until = NULL,
        open_since = NULL, reason = NULL
    WHERE provider = :provider AND (circuit <> 'closed' OR failures > 0)
    """
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
    """
)


async def probe(connection: AsyncConnection, provider: str, state: Mapping[Any, Any]) -> Permit:
    """Ask a circuit that is not closed: the one that may probe the provider, or how long to wait.

    Args:
        state: the provider's row.
    """
    # After the window one caller becomes the probe; the others wait for what it hears, else
    # the first answer after an outage would come too late for the rest of its run.
    if (await connection.execute(_PROBE, {"provider": provider})).rowcount:
        return Permit(0)
    wait = float(state["opened"] or 0)
    # an open circuit whose window is over became half open since we looked
    if state["circuit"] == "half_open" or wait <= 0:
        return Permit(PROBE_POLL_SECONDS)
    since = float(state["since"] or 0)
    return Permit(wait, circuit_open=True, reason=state["reason"], open_seconds=since)


_TROUBLED = sa.text(
    f"SELECT circuit <> 'closed' OR failures > 0 FROM {_TABLE} WHERE provider = :provider"
)


async def has_failures(connection: AsyncConnection, provider: str) -> bool:
    """Whether `record_success` would change anything; locks nothing."""
    return bool(await connection.scalar(_TROUBLED, {"provider": provider}))


async def record_success(connection: AsyncConnection, provider: str) -> None:
    """Record an answer: the circuit closes, and with it the alert of it."""
    if (await connection.execute(_SUCCESS, {"provider": provider})).rowcount:
        await alerts.close_alert(connection, OUTAGE, provider, "It answers again.")


async def record_failure(
    connection: AsyncConnection, provider: str, reason: str, *, quota: bool = False
) -> None:
    """Record a failure: the circuit opens at the fifth in a row, on an exhausted quota at once."""
    await connection.execute(
        _FAILURE,
        {
            "provider": provider,
            "reason": reason,
            "limit": 1 if quota else FAILURES_TO_OPEN,
            "seconds": QUOTA_OPEN_SECONDS if quota else OPEN_SECONDS,
        },
    )
