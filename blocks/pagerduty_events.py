"""Sends events to PagerDuty (Events API v2), so that an alert that is over is resolved there too.

Apprise makes events and closes none, and gives them no key by which they could be closed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from pipeline.alerts import Severity

if TYPE_CHECKING:
    from apprise.plugins.pagerduty import NotifyPagerDuty

Action = Literal["trigger", "resolve"]
_SEVERITIES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}
_SUMMARY_LENGTH = 1024
_SECONDS = 20.0
_TAKEN = (200, 201, 202)


async def send_event(
    channel: NotifyPagerDuty, action: Action, key: str, body: str, severity: Severity, client: str
) -> str | None:
    """Send one event; why it was not taken, in words, None when it was.

    Args:
        key: by which PagerDuty knows what is resolved; the same again is the same there.
        body: lines; the first is what a person sees at once.
    """
    from apprise.plugins.pagerduty import PAGERDUTY_API_LOOKUP

    event: dict[str, Any] = {
        "routing_key": channel.integration_key, "event_action": action, "dedup_key": key,
    }  # fmt: skip
    if action == "trigger":
        first = body.partition("\n")[0][:_SUMMARY_LENGTH]
        event["client"] = client
        event["payload"] = {
            "summary": first,
            "severity": channel.severity or _SEVERITIES[severity],
            "source": channel.source,
            "component": channel.component,
            "custom_details": {"message": body},
        }
    return await asyncio.to_thread(_post, PAGERDUTY_API_LOOKUP[channel.region_name], event)


def _post(url: str, event: dict[str, Any]) -> str | None:
    import requests  # what Apprise sends by

    answer = requests.post(url, json=event, timeout=_SECONDS, allow_redirects=False)
    taken = answer.status_code in _TAKEN
    return None if taken else f"its channel refused it ({answer.status_code})"
