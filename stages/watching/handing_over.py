"""Hands over to the ledger of alerts what the watch found, and what it finds no more."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.alerts import Alert
from pipeline.foresight.measures import AlertKind
from stages.alerts.conditions import keep_to
from stages.alerts.raising import AlertParts


async def hand_over(parts: AlertParts, alerts: Sequence[Alert]) -> None:
    """Have exactly these alerts of the watch's kinds be open: others of them have passed."""
    for kind in AlertKind:
        found = [each for each in alerts if each.kind == kind]
        await keep_to(parts, kind.value, found, "It is as usual again.")
