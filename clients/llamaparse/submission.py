"""Marks submitted jobs with an idempotency key, so that they are found after a crash."""

from __future__ import annotations

from clients.llamaparse.pages import text_field

EXTERNAL_ID, PARSER_KEY = "navigator_external_id", "navigator_parser"


def own_job(items: object, external_id: str, parser: str) -> str | None:
    """The first of the listed jobs that is ours, for this content and parser, and has not failed.

    Raises:
        BadAnswer: it has no id.
    """
    for item in items if isinstance(items, list) else []:
        metadata = item.get("user_metadata") if isinstance(item, dict) else None
        if (
            isinstance(metadata, dict)
            and metadata.get(EXTERNAL_ID) == external_id
            and metadata.get(PARSER_KEY) == parser
            and item.get("status") not in ("FAILED", "CANCELLED")
        ):
            return text_field(item, "id")
    return None
