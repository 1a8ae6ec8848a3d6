"""Acknowledges and closes incidents, and drafts the report on one from what was recorded of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pipeline.alert_kinds import runbook_of
from pipeline.errors import UsageError
from pipeline.store import alerts as kept
from pipeline.store import incidents
from pipeline.store.alerts import KeptAlert
from pipeline.store.engine import Database
from pipeline.store.incidents import ITSELF, Incident, TimelineEvent
from stages.alerts.raising import acknowledge_alerts

OPEN_QUESTIONS = (
    "Why did it happen? (The likely causes above are the machine's.)",
    "Was anything read by somebody who may not, or lost? If so: docs/compliance.md.",
    "What made it longer than it had to be?",
    "What changes, who does it, and until when?",
)


async def incident_named(database: Database, name: str) -> Incident:
    """The incident whose id begins so.

    Raises:
        UsageError: there is none, or several.
    """
    is_id = name and not set(name.lower()) - set("0123456789abcdef-")
    async with database.service() as connection:
        found = await incidents.named(connection, name) if is_id else []
    if len(found) != 1:
        raise UsageError(
            f"{'Several incidents begin' if found else 'No incident begins'} with {name[:63]!r}.",
            remedy="`navigator incidents list --closed` shows the id of each.",
        )
    return found[0]


async def close_incident(database: Database, incident: Incident, who: str, why: str) -> None:
    """Close an incident with its cause, and its alerts with it; a closed one gets the cause."""
    async with database.service() as connection:
        left = await incidents.close(connection, incident.id, who, why)
    if left:
        async with database.service() as connection:
            await kept.close_these(connection, left, why)


async def acknowledge_incident(database: Database, incident: Incident, who: str, why: str) -> None:
    """Note that somebody looks after an incident: after each of its alerts that is open."""
    async with database.service() as connection:
        found = await kept.of_incident(connection, incident.id)
    await acknowledge_alerts(database, [e.id for e in found if e.closed_at is None], who, why)


async def told(
    database: Database, incident: Incident
) -> tuple[list[KeptAlert], list[TimelineEvent]]:
    """An incident's alerts and its timeline."""
    async with database.service() as connection:
        return (
            await kept.of_incident(connection, incident.id),
            await incidents.timeline(connection, incident.id),
        )


def times(incident: Incident) -> dict[str, float | None]:
    """Seconds until somebody looked after it, and until it ended; None where that has not been."""
    return {
        "acknowledged_after_seconds": _seconds(incident.acknowledged_at, incident),
        "ended_after_seconds": _seconds(incident.closed_at, incident),
    }


def _seconds(at: Any, incident: Incident) -> float | None:
    return None if at is None else max(0.0, (at - incident.opened_at).total_seconds())


def report(incident: Incident, found: Sequence[KeptAlert], events: Sequence[TimelineEvent]) -> str:
    """A draft of the report on an incident, in Markdown: the record, and what a person adds."""
    measured = times(incident)
    lines = [
        f"# Incident: {incident.title}",
        "",
        f"Drafted from the record of {incident.id}. What is in *italics* is a person's to write.",
        "",
        "## Summary",
        "",
        f"- Began: {incident.opened_at:%Y-%m-%d %H:%M:%S} UTC, {incident.severity}, "
        f"{len(found)} {'alert' if len(found) == 1 else 'alerts'}",
        f"- Somebody looked after it: {_after(measured['acknowledged_after_seconds'], 'nobody')}"
        + (f", {incident.acknowledged_by}" if incident.acknowledged_by else ""),
        f"- Ended: {_after(measured['ended_after_seconds'], 'it goes on')}"
        + _ended(incident),
        "- *Who and what was affected, and how*",
        "",
        "## Likely causes, by the machine",
        "",
        *(f"- {each.cause}" for each in found if each.cause),
        *(["- None is known."] if not any(each.cause for each in found) else []),
        "",
        "## Timeline (UTC)",
        "",
        "| when | who | what |",
        "|---|---|---|",
        *(f"| {each.at:%m-%d %H:%M:%S} | {each.who} | {each.what}: {_cell(each.said)} |"
          for each in events),
        "",
        "## Alerts and their evidence",
        "",
        *(f"- **{each.kind}** {each.key}: {each.title} {_figures(each)} "
          f"([what to do]({runbook_of(each.kind)}))" for each in found),
        "",
        "## For a person",
        "",
        *(f"- *{each}*" for each in OPEN_QUESTIONS),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _after(seconds: float | None, otherwise: str) -> str:
    return otherwise if seconds is None else f"after {timedelta(seconds=round(seconds))}"


def _ended(incident: Incident) -> str:
    if incident.closed_by is None:
        return ""
    if incident.closed_by == ITSELF:
        return f", by itself: {incident.closed_why}"
    return f", {incident.closed_by}: {incident.closed_why}"


def _figures(alert: KeptAlert) -> str:
    shown = ", ".join(f"{name} {value}" for name, value in sorted(alert.evidence.items()))
    return f"({shown})" if shown else ""


def _cell(said: str) -> str:
    return said.replace("|", "\\|").replace("\n", " ")
