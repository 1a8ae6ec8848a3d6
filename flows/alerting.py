"""Alerts a person that a run did not end well, where a saved block says how to reach them."""

from __future__ import annotations

from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger

from blocks.saved_blocks import load_block
from pipeline.errors import ConfigurationError, NavigatorError
from pipeline.store import circuit_breaker
from stages.circuit_breaker import CIRCUIT_OPEN
from stages.service_waits import DocumentsWait
from stages.services import Services

SUBJECTS = {
    "Stopped": "A run was stopped",
    "Failed": "A run could not be finished",
    "Some failed": "Documents failed",
}
"""By the name of the run's final state; runs that end otherwise are told to nobody."""

OUTAGE = "A service does not answer"


async def tell_person(
    parts: Services,
    run: UUID,
    ending: State,
    reason: BaseException | None,
    *,
    attended: bool,
) -> None:
    """Send one message about a run that ended, unless all is well or nobody is to be told.

    It names no document: the channel may be read by others than the documents' owner. An alert
    that cannot be sent is said in the run's log and fails nothing.

    Args:
        reason: why documents were not finished, if some were not.
        attended: somebody started it; a sweep tries unfinished documents again by itself, and is
            told of only when it was stopped or documents ended as failed.
    """
    subject = SUBJECTS.get(ending.name or "")
    if subject is None or (subject == SUBJECTS["Failed"] and not attended):
        return
    remedy = reason.remedy if isinstance(reason, NavigatorError) else ""
    await tell_news(parts, subject, f"{ending.message} {remedy}".strip(), run)


async def tell_of_outage(parts: Services, wait: DocumentsWait) -> None:
    """Send one message for each outage of a service, whichever run meets it first."""
    if parts.settings.alert_block is None or wait.code != CIRCUIT_OPEN:
        return
    async with parts.database.service() as connection:
        if not await circuit_breaker.claim_alert(connection, wait.provider):
            return
    told = f"{wait.provider}: {wait.message} {len(wait.waiting)} documents wait for it so far; "
    await _send(parts, OUTAGE, told + "they go on by themselves when it answers again.")


async def tell_news(parts: Services, subject: str, news: str, run: UUID) -> None:
    """Send one message about a run to the saved alert block, where the settings name one.

    Args:
        news: without a document's or a person's name.
    """
    await _send(parts, subject, f"{news}\nRun {run}.")


async def _send(parts: Services, subject: str, message: str) -> None:
    slug = parts.settings.alert_block
    if slug is None:
        return
    try:
        block = await load_block(slug)
    except ConfigurationError as error:
        get_run_logger().warning("the alert %r was not sent: %s", subject, error)
        return
    from blocks.alert_block import AlertBlock  # not before it is needed: Apprise

    if not isinstance(block, AlertBlock):
        get_run_logger().warning("the alert %r was not sent: %s is no alert block", subject, slug)
        return
    if not block.transport(parts.settings.allowed_plain).allowed:
        get_run_logger().warning(
            "the alert %r was not sent: its channel would be reached without TLS; give it an "
            "address such as jsons:// or mailtos://, or name its host in NAVIGATOR_PLAIN_HOSTS",
            subject,
        )
        return
    await block.notify(message, subject)
