"""Allocates the cost of an embedding request to the jobs and users whose texts it carried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from pipeline.store.vector_buffer import PendingText

# Shares are cut to so many dollars: an endless fraction would not add up again.
_SMALLEST_SHARE = Decimal("1e-12")


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


def allocate_cost(
    texts: Sequence[PendingText], billed: int, cost: Decimal
) -> list[tuple[UUID, int, Decimal]]:
    """Allocate a request's bill to its jobs by their tokens; the shares add up exactly."""
    weights: dict[UUID, int] = defaultdict(int)
    for text in texts:
        weights[text.job_id] += text.tokens
    total = sum(weights.values()) or 1
    parts, left_tokens, left_cost = [], billed, cost
    for job, weight in list(weights.items())[1:]:
        tokens = billed * weight // total
        usd = (
            (cost * tokens / billed).quantize(_SMALLEST_SHARE, ROUND_DOWN) if billed else Decimal(0)
        )
        parts.append((job, tokens, usd))
        left_tokens, left_cost = left_tokens - tokens, left_cost - usd
    return [(next(iter(weights)), left_tokens, left_cost), *parts]
