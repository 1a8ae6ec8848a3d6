"""What the canaries may cost with a paid service, told before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from clients.embedder import Embedder
from deployments.verification.canary_documents import Canary
from pipeline.errors import UsageError
from stages.costs import embedding_price, page_price
from stages.services import Services

_BYTES_A_TOKEN = 3
_PAGES_A_DOCUMENT = 2


def is_paid(parts: Services) -> bool:
    """Whether the corpus's way costs anything."""
    return bool(page_price(parts)) or _is_paid(parts.embedder)


def _is_paid(embedder: Embedder) -> bool:
    return bool(embedder.price_per_million_tokens)


def estimated_usd(parts: Services, documents: Sequence[Canary], repetitions: int) -> Decimal:
    """The most that so many ways of the corpus may cost, at list prices."""
    tokens = sum(len(each.content) for each in documents) // _BYTES_A_TOKEN
    pages = _PAGES_A_DOCUMENT * len(documents)
    once = embedding_price(parts.embedder, tokens) + pages * page_price(parts)
    return repetitions * once


def require_consent(
    parts: Services, documents: Sequence[Canary], repetitions: int, max_cost_usd: Decimal
) -> Decimal | None:
    """The cap of the corpus's run; None where nothing costs anything.

    Raises:
        UsageError: it costs money, and nobody said that it may.
    """
    if not is_paid(parts):
        return None
    most = estimated_usd(parts, documents, repetitions)
    if most > max_cost_usd:
        raise UsageError(
            f"The canaries go through a paid service: {repetitions} times may cost up to "
            f"${most:.4f}, and ${max_cost_usd} is allowed.",
            code="cost_not_allowed",
            remedy="Allow it with --max-cost, or with verification.max_cost_usd in the "
            "environment's file.",
        )
    return max_cost_usd
