"""Defines the types of request fields, and the cursors of keyset pagination."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, Field

from app.api.problems import Unprocessable
from pipeline.store.document_queries import NamedPlace
from pipeline.store.job_queries import Place

MAX_SOURCE = 1024
MAX_NAME = 5000
MAX_TAG = 64
MAX_TAGS = 20


def storable(value: str) -> str:
    """A text that the database can hold: no NUL, no half of a surrogate pair.

    Raises:
        ValueError: it holds one.
    """
    if "\x00" in value or any("\ud800" <= each <= "\udfff" for each in value):
        raise ValueError("must not hold NUL characters or lone surrogates")
    return value


def printable(value: str) -> str:
    """A text that is safe to show in one line: also without control and direction characters.

    Raises:
        ValueError: it holds one, or nothing at all.
    """
    if not storable(value).strip() or not value.isprintable():
        raise ValueError("must be printable characters in one line")
    return value.strip()


Line = Annotated[str, AfterValidator(printable)]
Source = Annotated[
    Line,
    Field(
        max_length=MAX_SOURCE,
        description="What the document is a version of: a path or URI of the caller's own.",
    ),
]
Tag = Annotated[Line, Field(max_length=MAX_TAG)]
FileName = Annotated[
    str,
    AfterValidator(storable),
    Field(min_length=1, max_length=MAX_NAME, description="For people only, never for storage."),
]
Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page, at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=400, description="`next` of the page before; empty for the first page."),
]


def cursor_of(place: Place | NamedPlace) -> str:
    """A pagination cursor: a place in a list, as an opaque text."""
    key = place.name if isinstance(place, NamedPlace) else place.created_at.isoformat()
    raw = json.dumps([key, str(place.id)], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def place_of(cursor: str | None) -> Place | None:
    """The place that a pagination cursor names; None for none.

    Raises:
        Unprocessable: it is no mark of ours.
    """
    if not cursor:
        return None
    key, identity = _read(cursor)
    try:
        created_at = datetime.fromisoformat(key)
        if created_at.tzinfo is None:
            raise ValueError(key)
    except ValueError:
        raise _not_ours() from None
    return Place(created_at, identity)


def named_place_of(cursor: str | None) -> NamedPlace | None:
    """The place that a cursor names in a list by name; None for none.

    Raises:
        Unprocessable: it is no mark of ours.
    """
    return NamedPlace(*_read(cursor)) if cursor else None


def _read(cursor: str) -> tuple[str, UUID]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key, identity = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(key, str):
            raise TypeError(key)
        return storable(key), UUID(identity)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise _not_ours() from None


def _not_ours() -> Unprocessable:
    return Unprocessable(
        "The cursor is none of ours.", remedy="Take `next` of the page before as it is."
    )
