"""Converts LlamaParse's pages to a `ParsedDocument`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from clients.llamaparse.errors import SERVICE
from clients.network.provider_errors import BadAnswer
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.notes import Note, NoteKind
from pipeline.text import normalize

LONGEST_PAGE_ERROR = 200


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BadAnswer: the body is anything else.
    """
    try:
        value = orjson.loads(body)
    except ValueError:
        raise BadAnswer(f"{SERVICE} answered something that is not JSON.") from None
    if not isinstance(value, dict):
        raise BadAnswer(f"{SERVICE} answered something that is not a JSON object.")
    return value


def text_field(value: Mapping[str, Any], name: str) -> str:
    """A field that must be a text that is not empty.

    Raises:
        BadAnswer: it is missing or something else.
    """
    field = value.get(name)
    if not isinstance(field, str) or not field:
        raise BadAnswer(f"{SERVICE} answered without {name}.")
    return field


def object_field(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A field that must be an object.

    Raises:
        BadAnswer: it is missing or something else.
    """
    field = value.get(name)
    if not isinstance(field, dict):
        raise BadAnswer(f"{SERVICE} answered without {name}.")
    return field


def credits_of(job: Mapping[str, Any]) -> Decimal | None:
    """The credits billed for a job; None when the service does not say."""
    usage = job.get("usage")
    credits = usage.get("credits") if isinstance(usage, dict) else None
    try:
        return Decimal(str(credits)) if isinstance(credits, int | float) else None
    except InvalidOperation:
        return None


def document(
    result: Mapping[str, Any], kind: str, *, paged: bool, parser: str, engine: str
) -> ParsedDocument:
    """The document of a completed job.

    Args:
        result: what holds `pages`.
        kind: `markdown` or `text`, the field of a page.

    Raises:
        BadAnswer: there are no pages, or their numbers are not 1, 2, 3 …
    """
    raw = result.get("pages")
    if not isinstance(raw, list) or not raw or not all(isinstance(page, dict) for page in raw):
        raise BadAnswer(f"{SERVICE} answered a result without pages.")
    pages, replaced = [], 0
    for item in sorted(raw, key=_number):
        page, count = _page(item, kind)
        pages.append(page)
        replaced += count
    if [page.number for page in pages] != list(range(1, len(pages) + 1)):
        raise BadAnswer(f"{SERVICE} answered pages whose numbers are not 1 to {len(pages)}.")
    failed = tuple(page.number for page in pages if page.error)
    message = f"{SERVICE} could not read page {', '.join(map(str, failed))}."
    notes = (Note(NoteKind.PAGE_NOT_READ, message, failed),) if failed else ()
    return ParsedDocument(tuple(pages), paged, parser, engine, replaced, notes)


def _number(page: Mapping[str, Any]) -> int:
    number = page.get("page_number")
    if type(number) is not int:
        raise BadAnswer(f"{SERVICE} answered a page without its number.")
    return number


def _page(page: Mapping[str, Any], kind: str) -> tuple[ParsedPage, int]:
    if page.get("success") is False:
        reason = page.get("error")
        shown = normalize(reason).text if isinstance(reason, str) else ""
        return ParsedPage(_number(page), "", error=shown[:LONGEST_PAGE_ERROR] or "unknown"), 0
    raw = page.get(kind)
    if not isinstance(raw, str):
        raise BadAnswer(f"{SERVICE} answered a page without its {kind}.")
    text, replaced = normalize(raw)
    return ParsedPage(_number(page), text.strip("\n")), replaced
