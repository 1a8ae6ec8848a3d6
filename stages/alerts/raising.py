"""Raises and closes alerts: writes them down, and plans who is told of them when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from pipeline.alert_kinds import KINDS, passes
from pipeline.alert_routing import AlertRouting, PlannedDelivery, deliveries, single_target
from pipeline.alerts import Alert
from pipeline.errors import UsageError
from pipeline.incident_causes import cause_of
from pipeline.logs import logger
from pipeline.settings import Settings
from pipeline.store import alert_deliveries, incidents
from pipeline.store import alerts as kept
from pipeline.store.alerts import KeptAlert, RaisedAlert
from pipeline.store.engine import Database

ONCE = tuple(kind for kind in KINDS if not passes(kind))
"""Kinds of what happened once: acknowledging such an alert closes it."""
NOBODY = AlertRouting()
_LOG = logger("navigator.alerts")


class AlertParts(Protocol):
    """What alerts need of the services."""

    @property
    def settings(self) -> Settings:
        """Who is told when."""

    @property
    def database(self) -> Database:
        """Where alerts are kept."""


def routing_of(settings: Settings) -> AlertRouting:
    """Who is told when, by the settings; nobody when they do not say."""
    return settings.alert_routing or NOBODY


def planned(settings: Settings, alert: Alert, raised: RaisedAlert) -> list[PlannedDelivery]:
    """Every message of an alert: by the routes, and to the saved block that is told of all."""
    made = list(deliveries(routing_of(settings), alert, raised.at))
    if settings.alert_block is not None:
        made += deliveries(single_target(settings.alert_block), alert, raised.at)
    return list({(each.step, each.target): each for each in reversed(made)}.values())


async def raise_alert(parts: AlertParts, alert: Alert) -> RaisedAlert:
    """Write an alert down, and plan its messages unless it is told already.

    The same kind and key again only counts, until nobody has acknowledged it for the routing's
    `renew_minutes`, or it becomes critical. It sends nothing: `stages.alerts.delivering` does.
    """
    settings = parts.settings
    async with parts.database.service() as connection:
        raised = await kept.raise_alert(connection, alert, routing_of(settings).renew_minutes * 60)
        if raised.is_new:
            await incidents.join(connection, raised.id, cause_of(alert.kind, alert.key))
        if raised.is_told:
            await alert_deliveries.plan(connection, raised, planned(settings, alert, raised))
    if raised.is_new:
        _LOG.warning(
            "alert_raised", kind=alert.kind, key=alert.key, severity=alert.severity.value,
            alert_id=str(raised.id),
        )  # fmt: skip
    return raised


async def close_alert(parts: AlertParts, kind: str, key: str, why: str) -> bool:
    """Close the open alert of this kind and key; whether there was one."""
    async with parts.database.service() as connection:
        closed = await kept.close_alert(connection, kind, key, why)
    if closed is not None:
        _LOG.info("alert_closed", kind=kind, key=key, alert_id=str(closed))
    return closed is not None


async def acknowledge_alerts(
    database: Database, ids: Sequence[UUID], who: str, why: str = ""
) -> list[UUID]:
    """Note that somebody looks after these alerts: no further step is taken; those that were open.

    One of what happened once is closed by it; a condition stays open until it passes.
    """
    async with database.service() as connection:
        return await kept.acknowledge(connection, ids, who, why, ONCE)


async def alert_named(database: Database, name: str) -> KeptAlert:
    """The alert whose id begins so.

    Raises:
        UsageError: there is none, or several.
    """
    digits = name.lower()
    is_id = digits and not set(digits) - set("0123456789abcdef-")
    async with database.service() as connection:
        found = await kept.named(connection, digits) if is_id else []
    if len(found) != 1:
        raise UsageError(
            f"{'Several alerts begin' if found else 'No alert begins'} with {name!r}.",
            remedy="`navigator alerts` shows the id of each.",
        )
    return found[0]
