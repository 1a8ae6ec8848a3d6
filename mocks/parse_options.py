"""Parses what a caller asks of a parse job, from v2's JSON and from v1's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from mocks.llamaparse_errors import BadField
from mocks.webhooks import Webhook, read_webhooks

TIERS = {"fast": 1.0, "cost_effective": 3.0, "agentic": 10.0, "agentic_plus": 45.0}
"""Credits a page."""
MODES = {
    "parse_page_without_llm": "fast",
    "parse_page_with_llm": "cost_effective",
    "parse_page_with_lvm": "agentic",
    "parse_page_with_agent": "agentic",
    "parse_document_with_llm": "agentic",
    "parse_document_with_agent": "agentic_plus",
}
"""v1's modes as the tiers that cost the same here."""

VERSIONS = ("latest", "2026-10-16", "2026-09-28", "2026-06-15")
LATEST = dict(zip(TIERS, ("2026-06-15", "2026-09-28", "2026-10-16", "2026-09-28"), strict=True))
SEPARATOR = "\n---\n"


@dataclass(frozen=True)
class ParseOptions:
    """What one job shall do.

    Attributes:
        pages: numbers from 1; None is every page.
        timeout: seconds, and seconds a page beside; None is no limit of the caller's.
    """

    tier: str
    user_metadata: dict[str, str] = field(default_factory=dict)
    pages: frozenset[int] | None = None
    max_pages: int | None = None
    timeout: tuple[float, float] | None = None
    may_use_cache: bool = True
    separator: str = SEPARATOR
    webhooks: tuple[Webhook, ...] = ()

    def selects(self, number: int) -> bool:
        """Whether a page is asked for; a choice of pages goes before their limit."""
        if self.pages is not None:
            return number in self.pages
        return self.max_pages is None or number <= self.max_pages


def from_configuration(asked: Mapping[str, Any], hosts: str) -> ParseOptions:
    """v2's options.

    Raises:
        BadField: tier, version, pages, metadata or a webhook is not as it must be.
    """
    if asked.get("tier") not in TIERS:
        raise BadField("tier", "Input should be a known tier", asked.get("tier"))
    if asked.get("version") not in VERSIONS:
        raise BadField("version", "Input should be latest or a dated version", asked.get("version"))
    metadata = asked.get("user_metadata") or {}
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise BadField("user_metadata", "Input should map texts to texts", metadata)
    ranges = asked.get("page_ranges") or {}
    timeouts = (asked.get("processing_control") or {}).get("timeouts") or {}
    return ParseOptions(
        tier=asked["tier"],
        user_metadata=metadata,
        pages=_pages(ranges.get("target_pages"), first=1),
        max_pages=_count(ranges.get("max_pages"), "max_pages"),
        timeout=_timeout(
            timeouts.get("base_in_seconds"), timeouts.get("extra_time_per_page_in_seconds")
        ),
        may_use_cache=not asked.get("disable_cache"),
        webhooks=read_webhooks(asked.get("webhook_configurations"), hosts),
    )


def from_form(form: Mapping[str, str], hosts: str) -> ParseOptions:
    """v1's options, each a text; the pages are counted from 0 there.

    Raises:
        BadField: an option is not as it must be.
    """
    tier = form.get("tier") or MODES.get(form.get("parse_mode", ""), "cost_effective")
    if tier not in TIERS:
        raise BadField("tier", "Input should be a known tier", tier)
    webhooks = read_webhooks(_json(form.get("webhook_configurations")), hosts)
    if url := form.get("webhook_url"):
        webhooks += read_webhooks([{"webhook_url": url, "webhook_events": _ENDS}], hosts)
    return ParseOptions(
        tier=tier,
        pages=_pages(form.get("target_pages"), first=0),
        max_pages=_count(form.get("max_pages"), "max_pages"),
        timeout=_timeout(
            form.get("job_timeout_in_seconds"),
            form.get("job_timeout_extra_time_per_page_in_seconds"),
        ),
        may_use_cache=not (_true(form, "do_not_cache") or _true(form, "invalidate_cache")),
        separator=form.get("page_separator") or SEPARATOR,
        webhooks=webhooks,
    )


# "A URL that needs to be called at the end of the parsing job" hears of ends only.
_ENDS = ["parse.success", "parse.error", "parse.partial_success", "parse.cancelled"]


def _true(form: Mapping[str, str], name: str) -> bool:
    return form.get(name, "").lower() in ("true", "1")


def _json(text: str | None) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except ValueError:
        raise BadField("webhook_configurations", "Input should be JSON", text) from None


def _count(value: Any, name: str) -> int | None:
    if value in (None, ""):
        return None
    try:
        count = int(value)
    except (TypeError, ValueError):
        count = 0
    if count < 1:
        raise BadField(name, "Input should be a number greater than 0", value)
    return count


def _timeout(seconds: Any, a_page: Any) -> tuple[float, float] | None:
    if seconds in (None, ""):
        return None
    try:
        return float(seconds), float(a_page or 0)
    except (TypeError, ValueError):
        raise BadField("timeouts", "Input should be a number", seconds) from None


def _pages(value: Any, first: int) -> frozenset[int] | None:
    if value in (None, ""):
        return None
    pages: list[int] = []
    try:
        for part in str(value).split(","):
            low, _, high = part.strip().partition("-")
            pages += range(int(low), int(high or low) + 1)
    except ValueError:
        pages = []
    if not pages or min(pages) < first or len(set(pages)) < len(pages):
        raise BadField("target_pages", "Input should be pages such as 1,3,5-8", value)
    return frozenset(page + 1 - first for page in pages)
