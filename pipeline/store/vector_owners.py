"""Decides whose vectors may serve a text: its own user's, or everybody's where allowed.

A vector that is found for one user because another one has the same text would tell the one what
the other has: it costs no tokens and no time. So nobody's vectors serve anybody else, unless
`NAVIGATOR_SHARE_VECTORS` says that all users are one owner's.
"""

from __future__ import annotations

from uuid import UUID

SHARED_OWNER = UUID(int=0)
"""Who owns the vectors on their way where all users share them."""

_LAST = UUID(int=2**128 - 1)


def owning(*, shared: bool) -> dict[str, UUID | None]:
    """The parameters of `owner` and `lenders`."""
    return {"first": SHARED_OWNER, "last": _LAST} if shared else {"first": None, "last": None}


def owner(alias: str) -> str:
    """SQL for whose a vector on its way is that is bought for a chunk of this alias."""
    return f"coalesce(CAST(:first AS uuid), {alias}.user_id)"


def lenders(alias: str) -> str:
    """SQL after a published vector's `user_id`: those whose vector may serve the alias's chunk.

    A range, because the last column of an index serves that too: one statement for both cases.
    """
    return f"BETWEEN {owner(alias)} AND coalesce(CAST(:last AS uuid), {alias}.user_id)"


def shares(waiting: str, vector: str) -> str:
    """SQL for whether a waiting chunk may need a vector on its way; both are aliases."""
    return f"({vector}.user_id = {waiting}.user_id OR {vector}.user_id = '{SHARED_OWNER}')"
