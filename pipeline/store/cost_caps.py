"""Cost caps of a run and of a month: reserved before a request is sent, then settled or released.

What documents cost goes through `reserve` and `settle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import CostCapReached
from pipeline.incident_causes import MONEY
from pipeline.machine_answers import MachineAnswer
from pipeline.spending_caps import SpendingCaps
from pipeline.store import machine_answers, month_spending
from pipeline.store.month_spending import RESERVED_SECONDS, MonthReservation

_CAPPED = sa.text("SELECT max_cost_usd IS NOT NULL FROM ingest_runs WHERE id = :id")
_RESERVE = sa.text(
    """
    UPDATE ingest_runs SET reserved_usd = reserved_usd + :usd
    WHERE id = :id AND cost_usd + reserved_usd + :usd <= max_cost_usd
    """
)
_LOCK = sa.text("SELECT 1 FROM ingest_runs WHERE id = :id FOR UPDATE")
_RAISE = sa.text(
    """
    UPDATE ingest_runs SET reserved_usd = reserved_usd + :usd,
        max_cost_usd = least(
            :ceiling, greatest(max_cost_usd * 1.25, cost_usd + reserved_usd + :usd))
    WHERE id = :id AND max_cost_usd < :ceiling AND cost_usd + reserved_usd + :usd <= :ceiling
    RETURNING max_cost_usd
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


async def reserve_cost(
    connection: AsyncConnection, run_id: UUID, usd: Decimal, ceiling: Decimal | None = None
) -> Decimal:
    """Reserve a request's cost before it is sent; 0 in a run without a cap.

    Args:
        ceiling: up to where a cap that is reached is raised by a quarter, which is written down as
            an answer of the program's; None: never.

    Raises:
        CostCapReached: it would pass the run's cap, and the ceiling where there is one.
    """
    if not usd or not await has_cap(connection, run_id):
        return Decimal(0)
    values = {"id": run_id, "usd": usd}
    if (await connection.execute(_RESERVE, values)).rowcount:
        return usd
    raised = None
    if ceiling is not None:
        # Another request may have raised it since: asked once more where nobody can any longer.
        await connection.execute(_LOCK, {"id": run_id})
        if (await connection.execute(_RESERVE, values)).rowcount:
            return usd
        raised = await connection.scalar(_RAISE, {**values, "ceiling": ceiling})
    if raised is None:
        raise CostCapReached("The cost cap of this run is reached.")
    said = f"The cost cap of run {run_id} is {raised:.4f} USD now; the ceiling is {ceiling} USD."
    await machine_answers.note(connection, MachineAnswer.RAISE_LIMIT, MONEY, said)
    return usd


async def settle_cost(
    connection: AsyncConnection, run_id: UUID, *, reserved: Decimal, usd: Decimal
) -> None:
    """Settle a reservation at what the answer really cost (0 when there was none)."""
    if reserved or usd:
        await connection.execute(_SPEND, {"id": run_id, "reserved": reserved, "usd": usd})


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is reserved for one request.

    Attributes:
        run_usd: dollars of the run's cap. held: the reservation under the month's caps.
    """

    run_usd: Decimal = Decimal(0)
    held: MonthReservation | None = None

    def __bool__(self) -> bool:
        return bool(self.run_usd) or self.held is not None

    @property
    def month(self) -> date | None:
        """The month that pays, by its first day; None: the one in which it is paid."""
        return None if self.held is None else self.held.month


async def reserve(
    connection: AsyncConnection,
    run_id: UUID,
    wanted: Mapping[UUID, Decimal],
    caps: SpendingCaps,
    ceiling: Decimal | None = None,
    seconds: float = RESERVED_SECONDS,
) -> Reservation:
    """Reserve a request before it is sent, under its run's cap and the month's.

    Args:
        wanted: US dollars that it may cost at most, by user.
        ceiling: as of `reserve_cost`.
        seconds: how long it counts under the month's caps when its end is not heard of.

    Raises:
        CostCapReached: it would pass the run's cap.
        SpendingCapReached: it would pass a month's. The transaction has to be rolled back.
    """
    run_usd = await reserve_cost(connection, run_id, sum(wanted.values(), Decimal(0)), ceiling)
    return Reservation(run_usd, await month_spending.reserve(connection, wanted, caps, seconds))


async def settle(
    connection: AsyncConnection, run_id: UUID, reserved: Reservation, usd: Decimal
) -> None:
    """Settle a reservation at what the answer really cost (0 when there was none).

    In the month it counts by its entry in the ledger, which belongs into the same transaction.
    """
    await settle_cost(connection, run_id, reserved=reserved.run_usd, usd=usd)
    if reserved.held is not None:
        await month_spending.release(connection, reserved.held)
