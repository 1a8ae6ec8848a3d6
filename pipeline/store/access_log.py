"""The access log (audit): who read what of whose; append-only, and without any words of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection


class Action(StrEnum):
    """What is logged."""

    ORIGINAL = "original"
    PAGE = "page"
    PAGE_PICTURE = "page_picture"
    SEARCH = "search"
    EXPORT = "export"
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True)
class Access:
    """One access.

    Attributes:
        user_id: whose data. actor_id: who asked. items: passages found, documents erased …
    """

    user_id: UUID
    actor_id: UUID
    action: Action
    document_id: UUID | None = None
    items: int = 0


_LOG = sa.text(
    """
    INSERT INTO access_log (user_id, actor_id, action, document_id, items)
    VALUES (:user_id, :actor_id, :action, :document_id, :items)
    """
)


async def log(connection: AsyncConnection, access: Access) -> None:
    """Log an access, in the caller's transaction."""
    values = {
        "user_id": access.user_id,
        "actor_id": access.actor_id,
        "action": access.action.value,
        "document_id": access.document_id,
        "items": access.items,
    }
    await connection.execute(_LOG, values)
