"""Resolves DOCUMENT as a person gives it: a path, a name, or the beginning of an id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.sources import printable, storable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from pipeline.store.document_queries import DocumentView

# Fewer characters would name documents by accident.
_ID = re.compile(r"[0-9a-f][0-9a-f-]{3,35}")


async def find_one(connection: AsyncConnection, given: str) -> DocumentView:
    """The one document that is meant, among those that the connection's role may see.

    Raises:
        UsageError: there is none, or there are several.
    """
    from pipeline.store.document_queries import documents_named

    prefix = given.lower() if _ID.fullmatch(given.lower()) else ""
    found = await documents_named(connection, storable(Path(given)), _as_source(given), prefix)
    if not found:
        raise UsageError(
            f"There is no document {printable(given)!r}.",
            remedy="`navigator list` shows them all; give a path, a name or the start of an id.",
        )
    if len(found) > 1:
        raise UsageError(_several(given, found), remedy="Give the path or the id of one.")
    return found[0]


def _as_source(given: str) -> str:
    return storable(Path(given).expanduser().absolute())


def _several(given: str, found: Sequence[DocumentView]) -> str:
    named = ", ".join(
        f"{printable(each.source)} ({str(each.document_id)[:8]})" for each in found[:5]
    )
    more = " and more" if len(found) > 5 else ""
    return f"Several documents are meant by {printable(given)!r}: {named}{more}."
