"""Groups texts by their owner: no request to an embedding service serves two users."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pipeline.store.vector_buffer import PendingText


def by_owner(texts: Sequence[PendingText]) -> list[list[PendingText]]:
    """Group texts by owner, in their order.

    No request serves two: what one user's text costs, how long it takes and whether it is refused
    says nothing of another's, and the bill of a request is one user's.
    """
    owned: dict[UUID, list[PendingText]] = {}
    for text in texts:
        owned.setdefault(text.owner_id, []).append(text)
    return list(owned.values())


def only_user(texts: Sequence[PendingText]) -> UUID | None:
    """The user whose texts these all are; None when they are several users'."""
    users = {text.user_id for text in texts}
    return users.pop() if len(users) == 1 else None
