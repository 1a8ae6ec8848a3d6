"""Parses dates of HTTP headers, by the clock of whoever answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def http_date(text: str) -> datetime | None:
    """The moment that a header names, or None when it names none."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None


def time_there(headers: Mapping[str, str]) -> datetime:
    """The time by the clock of who answered; by ours when the answer does not say.

    Args:
        headers: names in lower case, or in any.
    """
    return http_date(headers.get("date", "")) or datetime.now(UTC)
