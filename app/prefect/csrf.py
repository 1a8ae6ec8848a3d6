"""Keeps CSRF tokens of Prefect's server in memory.

Prefect reads the token from its database for every request that changes something: 1 to 2 ms of the
server's processor each, nine times for a document. A client's token stays the same for an hour, so
the server process remembers it.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from cachetools import LRUCache

if TYPE_CHECKING:
    from prefect.server.schemas.core import CsrfToken
    from sqlalchemy.ext.asyncio import AsyncSession

_MOST = 1000
"""Clients remembered; of others the token is read each time."""


def remember_tokens() -> None:
    """Have Prefect's server in this process look tokens up in memory first."""
    # Its functions have no types that a checker can read.
    tokens: Any = import_module("prefect.server.models.csrf_token")
    read, make = tokens.read_token_for_client, tokens.create_or_update_csrf_token
    kept: LRUCache[str, CsrfToken] = LRUCache(_MOST)
    renewing: Counter[str] = Counter()

    async def remembered(session: AsyncSession, client: str) -> CsrfToken | None:
        found = kept.get(client)
        if found is not None and found.expiration > datetime.now(UTC):
            return found
        found = cast("CsrfToken | None", await read(session=session, client=client))
        # What is read while another is being made may be the one before.
        if found is not None and not renewing[client]:
            kept[client] = found
        return found

    async def renewed(session: AsyncSession, client: str) -> CsrfToken:
        renewing[client] += 1
        kept.pop(client, None)
        try:
            return cast("CsrfToken", await make(session=session, client=client))
        finally:
            renewing[client] -= 1
            if not renewing[client]:
                del renewing[client]

    tokens.read_token_for_client = remembered
    tokens.create_or_update_csrf_token = renewed
