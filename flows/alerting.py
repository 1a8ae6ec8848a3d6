"""Raises alerts of how runs end, and sends at once what is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from pipeline.alert_kinds import KINDS
from pipeline.alerts import Alert, Severity
from pipeline.errors import ConfigurationError, NavigatorError
from pipeline.states import PUBLISHED, JobState
from pipeline.store import alerts
from pipeline.store.alert_conditions import OpenCircuit
from pipeline.store.runs import Progress
from stages.alerts.conditions import outage
from stages.alerts.delivering import deliver_due
from stages.alerts.raising import close_alert, raise_alert
from stages.circuit_breaker import CIRCUIT_OPEN
from stages.service_waits import DocumentsWait
from stages.services import Services

QUALITY = "quality-low"
SETTING = "setting-refused"
QUARANTINED_SHARE = 0.2
"""So many of a run's documents are quarantined when somebody is told."""
LEAST_JUDGED = 10
"""Of fewer documents a share says nothing."""
KIND_OF_ENDING = {
    "Stopped": "run-stopped",
    "Failed": "run-failed",
    "Some failed": "documents-failed",
}
"""By the name of the run's final state; runs that end otherwise are told to nobody."""


async def tell_person(
    parts: Services,
    run: UUID,
    ending: State,
    reason: BaseException | None,
    *,
    attended: bool,
) -> None:
    """Raise the alert of a run that ended, unless all is well or nobody is to be told.

    It names no document: the channel may be read by others than the documents' owner. An alert
    that cannot be sent is said in the run's log and fails nothing.

    Args:
        reason: why documents were not finished, if some were not.
        attended: somebody started it; a sweep tries unfinished documents again by itself, and is
            told of only when it was stopped or documents ended as failed.
    """
    kind = KIND_OF_ENDING.get(ending.name or "")
    if kind is None or (kind == "run-failed" and not attended):
        return
    remedy = reason.remedy if isinstance(reason, NavigatorError) else ""
    title = f"{ending.message} {remedy}".strip()
    await tell_news(parts, kind, str(flow_run.id or run), title, {"run": str(run)})


async def tell_of_outage(parts: Services, wait: DocumentsWait) -> None:
    """Raise the one alert of an outage of a service, whichever run meets it first."""
    if wait.code == CIRCUIT_OPEN:
        made = outage(OpenCircuit(wait.provider, wait.message, 0))
        await tell(parts, _with(made, {"documents_waiting": len(wait.waiting)}))


async def tell_setting(
    parts: Services, reason: BaseException | None, *, attended: bool, worked: bool
) -> None:
    """Raise the alert that documents wait for a setting (a key that is refused), or close it.

    However often it is tried again, only a person can end it: so it is told of uploads and sweeps
    too, whose other failures the next sweep takes up.

    Args:
        attended: somebody started the run; they read its end, and their settings are their own.
        worked: it has worked on documents, so the settings it has are taken.
    """
    if attended:
        return
    if isinstance(reason, ConfigurationError):
        await tell_news(parts, SETTING, "runs", f"{reason.message} {reason.remedy}", {})
    elif reason is None and worked:
        await tell_it_passed(parts, SETTING)


async def tell_quality(parts: Services, progress: Progress) -> None:
    """Raise the alert that a run's documents were quarantined too often, or close it."""
    quarantined = progress.count([JobState.QUARANTINED])
    judged = quarantined + progress.count(PUBLISHED)
    if judged < LEAST_JUDGED:
        return
    share = quarantined / judged
    if share < QUARANTINED_SHARE:
        await tell_it_passed(parts, QUALITY)
        return
    title = f"The quality gate quarantined {share:.0%} of a run's documents."
    evidence = {"quarantined": quarantined, "judged": judged, "limit_share": QUARANTINED_SHARE}
    await tell_news(parts, QUALITY, "runs", title, evidence)


async def tell_news(
    parts: Services,
    kind: str,
    key: str,
    title: str,
    evidence: Mapping[str, Any],
    severity: Severity | None = None,
) -> None:
    """Raise an alert of a kind that we know.

    Args:
        title: without a document's or a person's name.
        severity: in the place of the kind's own.
    """
    await tell(parts, Alert(kind, key, severity or KINDS[kind].severity, title, evidence))


async def tell(parts: Services, alert: Alert) -> None:
    """Raise an alert and send what is due; what cannot be is said in the run's log."""
    try:
        await raise_alert(parts, alert)
        refusals = await deliver_due(parts)
    except NavigatorError as error:
        get_run_logger().warning("the alert %r was not raised: %s", alert.title, error.message)
        return
    for each in refusals:
        get_run_logger().warning("%s", each)


async def tell_it_passed(parts: Services, kind: str, key: str | None = None) -> None:
    """Close the alerts of a condition that the run did not find any more.

    Args:
        key: of one alert; those of every key when left out.
    """
    try:
        async with parts.database.service() as connection:
            there = await alerts.open_keys(connection, kind)
        for each in there if key is None else there & {key}:
            await close_alert(parts, kind, each, "It was not found any more.")
    except NavigatorError as error:
        get_run_logger().warning("the alert of %s was not closed: %s", kind, error.message)


def _with(alert: Alert, evidence: Mapping[str, Any]) -> Alert:
    told = {**alert.evidence, **evidence}
    return Alert(alert.kind, alert.key, alert.severity, alert.title, told, alert.cause)
