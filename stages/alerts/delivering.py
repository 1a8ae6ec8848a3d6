"""Delivers alerts: claims the messages that are due, and sends each to its saved block.

Any process may do it, as often as it likes; the rows' locks give each message to one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.alert_routing import BLOCK_TYPE
from pipeline.errors import NavigatorError
from pipeline.logs import logger
from pipeline.settings import Settings
from pipeline.store import alert_deliveries
from pipeline.store.alert_deliveries import ClaimedDelivery
from pipeline.store.alerts import RESOLVABLE, TO_RESOLVE
from stages.alerts.messages import body_of, severity_of, subject_of
from stages.alerts.raising import AlertParts, routing_of

if TYPE_CHECKING:
    from blocks.alert_block import AlertBlock
    from blocks.pagerduty_events import Action

_SEND_SECONDS = 60.0
"""Less than a claim holds, so that no other process sends it meanwhile."""
_LOG = logger("navigator.alerts")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that was not sent.

    Attributes:
        why: In words, without the channel's address.
    """

    subject: str
    target: str
    why: str

    def __str__(self) -> str:
        """One sentence."""
        return f"the alert {self.subject!r} was not sent: {self.why}"


async def deliver_due(parts: AlertParts) -> list[Refusal]:
    """Send every message that is due; those that were not taken, which are tried again later."""
    refusals: list[Refusal] = []
    grouping = routing_of(parts.settings).group_seconds
    while True:
        async with parts.database.service() as connection:
            claimed = await alert_deliveries.claim(connection, grouping)
        if not claimed:
            return refusals
        ids, news = [each.id for each in claimed], _kept_open(claimed)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                why, keeps = await _sent(parts.settings, claimed)
        except TimeoutError:
            why, keeps = f"its channel did not answer within {_SEND_SECONDS:.0f} s", False
        async with parts.database.service() as connection:
            if over := [each for each in ids if each not in news]:
                await alert_deliveries.settle(connection, over, why)
            if news:
                await alert_deliveries.settle(connection, news, why, RESOLVABLE if keeps else "")
        target = claimed[0].target
        if why is None:
            _LOG.info("alert_sent", target=target, alerts=len(claimed))
        else:
            _LOG.warning(
                "alert_not_sent", target=target, alerts=len(claimed),
                attempt=max(each.attempt for each in claimed), reason=why,
            )  # fmt: skip
            refusals.append(Refusal(subject_of(claimed), target, why))


def _kept_open(claimed: Sequence[ClaimedDelivery]) -> list[int]:
    """Messages of alerts that are not over."""
    return [each.id for each in claimed if each.detail != TO_RESOLVE]


async def _sent(settings: Settings, claimed: Sequence[ClaimedDelivery]) -> tuple[str | None, bool]:
    """Send one message; why it was not sent, None when it was, and whether it stays open there."""
    from blocks.saved_blocks import load_block

    slug = f"{BLOCK_TYPE}/{claimed[0].target}"
    try:
        block = await load_block(slug)
    except NavigatorError as error:
        return error.message, False
    except Exception as error:  # whatever Prefect's client raises: the next step must be taken
        return f"Prefect does not answer ({type(error).__name__})", False
    from blocks.alert_block import AlertBlock  # not before it is needed: Apprise

    if not isinstance(block, AlertBlock):
        return f"{slug} is no alert block", False
    if not block.transport(settings.allowed_plain).allowed:
        return (
            "its channel would be reached without TLS; give it an address such as jsons:// or "
            "mailtos://, or name its host in NAVIGATOR_PLAIN_HOSTS"
        ), False
    if block.is_pagerduty:
        return await _as_events(block, claimed), True
    news = [each for each in claimed if each.detail != TO_RESOLVE]
    if not news:  # the target was a pager when they were sent
        return None, False
    return await block.send(body_of(news), subject_of(news), severity_of(news)), False


async def _as_events(block: AlertBlock, claimed: Sequence[ClaimedDelivery]) -> str | None:
    """Send each alert as an event of its own, by whose key it is resolved later."""
    for each in claimed:
        action: Action = "resolve" if each.detail == TO_RESOLVE else "trigger"
        text = f"{subject_of([each])}: {body_of([each])}"
        why = await block.send_event(action, str(each.alert_id), text, severity_of([each]))
        if why is not None:
            return why
    return None
