"""Raises the alerts of what the database itself says, and closes those of what has passed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pipeline.alerts import Alert, Severity
from pipeline.machine_answers import MachineAnswer
from pipeline.store import alert_conditions, incidents, machine_answers
from pipeline.store import alerts as kept
from pipeline.store.circuit_breaker import OUTAGE
from pipeline.store.machine_answers import KeptAnswer
from stages.alerts.raising import ONCE, AlertParts, close_alert, raise_alert

BUDGET = "budget-reached"
BUDGET_SHARE = 0.8
"""So much of a run's cost cap is spent when somebody is told."""
RESTARTED, REQUEUED, TAKEN_BACK = "service-restarted", "work-requeued", "release-taken-back"
ANSWERED_SECONDS = 300.0
"""So long after the last of its answers an alert of them is closed."""
IDLE_SECONDS = 900.0
"""So long after it might have been asked again, nobody needs a provider that nobody has asked."""
OFTEN = 3
"""So many restarts of one service within that are no accident."""


async def look_at_conditions(parts: AlertParts) -> None:
    """Raise what is the case and not told yet, and close what is the case no more."""
    async with parts.database.service() as connection:
        circuits = await alert_conditions.open_circuits(connection, IDLE_SECONDS)
        capped = await alert_conditions.capped_runs(connection, BUDGET_SHARE)
        back = await alert_conditions.taken_back(connection, ANSWERED_SECONDS)
        answers = await machine_answers.since(
            connection, ANSWERED_SECONDS, [MachineAnswer.RESTART, MachineAnswer.REQUEUE]
        )
    needless = "It answers again, or nobody needs it: the next request asks it."
    await keep_to(parts, OUTAGE, [outage(each) for each in circuits], needless)
    await keep_to(parts, BUDGET, [_almost_spent(each) for each in capped], "The run has ended.")
    await keep_to(parts, RESTARTED, list(_restarts(answers)), "It runs since then.")
    await keep_to(parts, REQUEUED, list(_requeued(answers)), "Others go on with it.")
    over = "What was verified before runs again."
    await keep_to(parts, TAKEN_BACK, [_taken_back(each) for each in back], over)
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


def _restarts(answers: Sequence[KeptAnswer]) -> Iterator[Alert]:
    """Of each service one: in the words of its restarts the service comes first."""
    of_service: dict[str, list[KeptAnswer]] = defaultdict(list)
    for each in answers:
        if each.answer == MachineAnswer.RESTART:
            of_service[each.said.partition(" ")[0]].append(each)
    for service, found in of_service.items():
        often = len(found) >= OFTEN
        yield Alert(
            RESTARTED,
            f"{service}{' often' if often else ''}",
            Severity.WARNING if often else Severity.INFO,
            f"{service} was started again{', and again' if often else ''}.",
            {"restarts": len(found), "within_seconds": round(ANSWERED_SECONDS)},
            found[-1].said,
        )


def _requeued(answers: Sequence[KeptAnswer]) -> Iterator[Alert]:
    found = [each for each in answers if each.answer == MachineAnswer.REQUEUE]
    if found:
        times = sum(each.count for each in found)
        title = "What a process that ended or fell silent had in hand is requeued."
        yield Alert(REQUEUED, "work", Severity.INFO, title, {"times": times}, found[-1].said)


def _taken_back(each: alert_conditions.TakenBack) -> Alert:
    title = f"{each.release_id} did not hold in {each.environment} and was taken back by itself."
    return Alert(TAKEN_BACK, each.environment, Severity.WARNING, title, {}, each.reason)


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
