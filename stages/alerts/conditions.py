"""Raises the alerts of what the database itself says, and closes those of what has passed."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.alerts import Alert, Severity
from pipeline.store import alert_conditions, incidents
from pipeline.store import alerts as kept
from pipeline.store.circuit_breaker import OUTAGE
from stages.alerts.raising import ONCE, AlertParts, close_alert, raise_alert

BUDGET = "budget-reached"
BUDGET_SHARE = 0.8
"""So much of a run's cost cap is spent when somebody is told."""


async def look_at_conditions(parts: AlertParts) -> None:
    """Raise what is the case and not told yet, and close what is the case no more."""
    async with parts.database.service() as connection:
        circuits = await alert_conditions.open_circuits(connection)
        capped = await alert_conditions.capped_runs(connection, BUDGET_SHARE)
    await keep_to(parts, OUTAGE, [outage(each) for each in circuits], "It answers again.")
    await keep_to(parts, BUDGET, [_almost_spent(each) for each in capped], "The run has ended.")
    async with parts.database.service() as connection:
        await incidents.settle(connection)
    async with parts.database.service() as connection:
        if expired := await kept.expired(connection, ONCE):
            why = f"Nobody acknowledged it for {kept.EXPIRE_DAYS} days."
            await kept.close_these(connection, expired, why)


def outage(circuit: alert_conditions.OpenCircuit) -> Alert:
    """The alert of a provider whose circuit is open."""
    return Alert(
        OUTAGE,
        circuit.provider,
        Severity.CRITICAL,
        f"{circuit.provider} is not asked at the moment. Documents that need it wait, and go on by "
        "themselves when it answers again.",
        {"open_seconds": round(circuit.open_seconds)},
        circuit.reason,
    )


def _almost_spent(run: alert_conditions.CappedRun) -> Alert:
    share = run.spent_usd / run.cap_usd
    return Alert(
        BUDGET,
        str(run.run_id),
        Severity.WARNING,
        f"A run has spent {share:.0%} of its cost cap; it stops before it spends more.",
        {"spent_usd": round(run.spent_usd, 4), "cap_usd": round(run.cap_usd, 4)},
    )


async def keep_to(parts: AlertParts, kind: str, found: Sequence[Alert], over: str) -> None:
    """Have exactly these alerts of a kind be open: raise those that are not, close the others.

    Args:
        over: why those are closed that were not found.
    """
    async with parts.database.service() as connection:
        there = await kept.open_keys(connection, kind)
    for each in found:
        if each.key not in there:
            await raise_alert(parts, each)
    for key in there - {each.key for each in found}:
        await close_alert(parts, kind, key, over)
