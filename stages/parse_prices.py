"""Tells what a parsing service may cost, and reserves it of the run's cap before a file is sent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from pipeline.errors import CostCapReached, ParseError
from pipeline.parsing.kinds import MediaType
from pipeline.store import costs
from stages.services import Services

_LEAST_BYTES_A_PAGE = 8


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


async def promise_cost(
    services: Services, content: bytes, media_type: MediaType, run_id: UUID, source: str = ""
) -> Decimal:
    """Promise the dollars that this file may cost; 0 in a run without a cap, which counts nothing.

    Raises:
        CostCapReached: it would pass the run's cap.
        ParseError: its pages cannot be counted, and what it may cost at most would pass the cap.
    """
    async with services.database.service() as connection:
        if not await costs.has_cap(connection, run_id):
            return Decimal(0)
    price = await parse_price(services, content, media_type, source)
    try:
        async with services.database.service() as connection:
            return await costs.reserve_cost(connection, run_id, price.usd)
    except CostCapReached:
        if price.uncounted is None:
            raise
        code, why = price.uncounted.parse_code, price.uncounted.message
        message = f"{why} So it is not known what it would cost, and it was not sent under a cap."
        raise ParseError(code, message) from None
