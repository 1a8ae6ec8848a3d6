"""Hands alerts over to whoever tells people."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.alerts import Alert
from pipeline.logs import logger

_LOG = logger("navigator.watch")


async def hand_over(alerts: Sequence[Alert]) -> Sequence[Alert]:
    """Log alerts and return them. The one place that is to call the alert ledger."""
    for each in alerts:
        _LOG.warning(
            "watch_alert",
            kind=str(each.kind),
            key=each.key,
            severity=each.severity.value,
            title=each.title,
            cause=each.cause,
        )
    return alerts
