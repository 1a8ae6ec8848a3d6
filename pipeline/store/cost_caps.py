"""A run's cost cap: money is reserved before a request is sent, then settled or released."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import CostCapReached

_CAPPED = sa.text("SELECT max_cost_usd IS NOT NULL FROM ingest_runs WHERE id = :id")
_RESERVE = sa.text(
    """
    UPDATE ingest_runs SET reserved_usd = reserved_usd + :usd
    WHERE id = :id AND cost_usd + reserved_usd + :usd <= max_cost_usd
    """
)
_SPEND = sa.text(
    """
    UPDATE ingest_runs
    SET reserved_usd = greatest(reserved_usd - :reserved, 0), cost_usd = cost_usd + :usd
    WHERE id = :id
    """
)


async def has_cap(connection: AsyncConnection, run_id: UUID) -> bool:
    """Whether a run has a cost cap."""
    return bool(await connection.scalar(_CAPPED, {"id": run_id}))


async def reserve_cost(connection: AsyncConnection, run_id: UUID, usd: Decimal) -> Decimal:
    """Reserve a request's cost before it is sent; 0 in a run without a cap.

    Raises:
        CostCapReached: it would pass the run's cap.
    """
    if not usd or not await has_cap(connection, run_id):
        return Decimal(0)
    if (await connection.execute(_RESERVE, {"id": run_id, "usd": usd})).rowcount == 0:
        raise CostCapReached("The cost cap of this run is reached.")
    return usd


async def settle_cost(
    connection: AsyncConnection, run_id: UUID, *, reserved: Decimal, usd: Decimal
) -> None:
    """Settle a reservation at what the answer really cost (0 when there was none)."""
    if reserved or usd:
        await connection.execute(_SPEND, {"id": run_id, "reserved": reserved, "usd": usd})
