"""Costs: prices of pages and tokens, the reservation before a file is sent, a bill's allocation.

The ledger of a run's cap is `pipeline.store.cost_caps`; what a provider charges is its client's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from clients.embedder import Embedder
from pipeline.errors import CostCapReached, ParseError, SpendingCapReached
from pipeline.parsing.kinds import MediaType
from pipeline.spending_caps import SpendingCaps
from pipeline.store import cost_caps
from pipeline.store.cost_caps import Reservation
from pipeline.store.month_spending import RESERVED_SECONDS
from pipeline.store.vector_buffer import PendingText
from stages.services import Services

_LEAST_BYTES_A_PAGE = 8
# Shares are cut to so many dollars: an endless fraction would not add up again.
_SMALLEST_SHARE = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class ParsePrice:
    """What the service may bill for a file, at list price.

    Attributes:
        pages: counted; or as many as the bytes could hold, up to the limit of one document.
        uncounted: why the pages could not be counted.
    """

    pages: int
    usd: Decimal
    uncounted: ParseError | None = None


def embedding_price(embedder: Embedder, tokens: int) -> Decimal:
    """The list price of embedding so many tokens, in US dollars."""
    return embedder.price_per_million_tokens * tokens / 1_000_000


def page_price(services: Services) -> Decimal:
    """The list price of a page at the service that reads files, in US dollars; 0 without one."""
    remote = services.remote_parser
    return remote.usd_per_page if remote is not None else Decimal(0)


async def parse_price(
    services: Services, content: bytes, media_type: MediaType, source: str
) -> ParsePrice:
    """What the service may bill for a file; its pages are counted in the parser's own process."""
    passwords = services.settings.passwords_for(source)
    uncounted = None
    try:
        pages = await services.parser.count_pages(content, media_type, passwords)
    except ParseError as error:
        uncounted = error
        pages = min(services.settings.max_pages, 1 + len(content) // _LEAST_BYTES_A_PAGE)
    return ParsePrice(pages, pages * page_price(services), uncounted)


async def reserve_parse_cost(
    services: Services, content: bytes, media_type: MediaType, run_id: UUID, user: UUID, source: str
) -> Reservation:
    """Reserve the dollars that this file may cost; without a cap nothing is counted.

    Args:
        user: who pays.

    Raises:
        CostCapReached: it would pass the run's cap.
        SpendingCapReached: it would pass a month's.
        ParseError: its pages cannot be counted, and what it may cost at most would pass a cap.
    """
    settings = services.settings
    caps, seconds = settings.spending_caps, RESERVED_SECONDS + settings.llama_cloud_deadline_seconds
    if caps == SpendingCaps():
        async with services.database.service() as connection:
            if not await cost_caps.has_cap(connection, run_id):
                return Reservation()
    price = await parse_price(services, content, media_type, source)
    try:
        async with services.database.service() as connection:
            return await cost_caps.reserve(
                connection, run_id, {user: price.usd}, caps, settings.run_cost_ceiling_usd, seconds
            )
    except (CostCapReached, SpendingCapReached):
        if price.uncounted is None:
            raise
        code, why = price.uncounted.parse_code, price.uncounted.message
        message = f"{why} So it is not known what it would cost, and it was not sent under a cap."
        raise ParseError(code, message) from None


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
