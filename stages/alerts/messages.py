"""Writes the message of one alert, or of several that reach somebody together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.alert_kinds import runbook_of, title_of
from pipeline.alerts import Severity
from pipeline.store.alert_deliveries import ClaimedDelivery

_ORDER = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)


def subject_of(claimed: Sequence[ClaimedDelivery]) -> str:
    """What a message is about, in a few words."""
    first = claimed[0]
    titles = dict.fromkeys(title_of(each.kind) for each in claimed)
    told = title_of(first.kind) if len(titles) == 1 else f"{len(claimed)} alerts"
    if len(titles) == 1 and len(claimed) > 1:
        told += f" ({len(claimed)} alerts)"
    return f"Not acknowledged: {told}" if any(each.step for each in claimed) else told


def body_of(claimed: Sequence[ClaimedDelivery]) -> str:
    """Each alert with what is known of it, how to acknowledge it, and where to read on."""
    return "\n\n".join(_told(each) for each in claimed)


def severity_of(claimed: Sequence[ClaimedDelivery]) -> Severity:
    """The gravest."""
    return max((Severity(each.severity) for each in claimed), key=_ORDER.index)


def _told(each: ClaimedDelivery) -> str:
    lines = [each.title]
    if each.cause:
        lines.append(f"Likely cause: {each.cause}")
    if each.evidence:
        lines.append(_figures(each.evidence))
    if each.count > 1:
        lines.append(f"It came {each.count} times since {each.opened_at:%Y-%m-%d %H:%M} UTC.")
    lines.append(f"What to do: {runbook_of(each.kind)}")
    lines.append(f"Acknowledge: navigator alerts acknowledge {str(each.alert_id)[:8]}")
    return "\n".join(lines)


def _figures(evidence: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in evidence.items())
