"""Marks differences that an environment's file accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from deployments.drift.difference import Difference
from deployments.environment_parts import AcceptedDrift


def accepted(
    found: Sequence[Difference], entries: Sequence[AcceptedDrift], today: date | None = None
) -> Sequence[Difference]:
    """The differences, each with the reason for which it is let be, if there is one in force."""
    today = today or datetime.now(UTC).date()
    return [_marked(each, entries, today) for each in found]


def is_accepted(what: str, entries: Sequence[AcceptedDrift], today: date | None = None) -> bool:
    """Whether an entry that is in force names this difference."""
    today = today or datetime.now(UTC).date()
    return any(_names(entry, what) and _holds(entry, today) for entry in entries)


def _names(entry: AcceptedDrift, what: str) -> bool:
    return fnmatchcase(what, entry.what)


def _holds(entry: AcceptedDrift, today: date) -> bool:
    return entry.until is None or today <= entry.until


def _marked(found: Difference, entries: Sequence[AcceptedDrift], today: date) -> Difference:
    for entry in entries:
        if not _names(entry, found.what):
            continue
        if _holds(entry, today):
            until = f", until {entry.until}" if entry.until else ""
            return replace(found, accepted=f"{entry.reason}{until}")
        over = f"It was accepted until {entry.until} ({entry.reason}). {found.remedy}"
        return replace(found, remedy=over.strip())
    return found


def unmet(found: Sequence[Difference], entries: Sequence[AcceptedDrift]) -> Sequence[str]:
    """Accepted names to which nothing differs any more."""
    return [entry.what for entry in entries if not any(_names(entry, e.what) for e in found)]
