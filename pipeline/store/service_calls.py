"""The ledger of calls to outside services: how long, with what outcome, at what cost."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.logs import logger
from pipeline.store import month_spending
from pipeline.store.transitions import in_order

_LOG = logger("navigator.services")


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """One request: `outcome` is ``ok`` or an error code of ours."""

    service: str
    operation: str
    outcome: str
    seconds: float
    code: str | None = None
    inputs: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    request_id: str | None = None
    user_id: UUID | None = None
    run_id: UUID | None = None


_INSERT = sa.text(
    """
    INSERT INTO service_calls (service, operation, outcome, seconds, code, inputs, tokens,
                                        cost_usd, request_id, user_id, run_id)
    VALUES (:service, :operation, :outcome, :seconds, :code, :inputs, :tokens,
            :cost_usd, :request_id, :user_id, :run_id)
    RETURNING CAST(pg_current_xact_id() AS text)
    """
)


async def record(
    connection: AsyncConnection,
    call: ServiceCall,
    *,
    shares: Mapping[UUID, Decimal] | None = None,
    month: date | None = None,
) -> str:
    """Add one call to the ledger and to its month's sums, and say so in the log.

    Args:
        shares: of a call for several users, the dollars that each pays.
        month: in which it was reserved, by its first day; None: this one.

    Returns:
        The id of the transaction.
    """
    values = {name: getattr(call, name) for name in ServiceCall.__slots__}
    transaction: str = (await connection.execute(_INSERT, values)).scalar_one()
    if call.cost_usd:
        own = {} if call.user_id is None else {call.user_id: call.cost_usd}
        await month_spending.add(connection, call.cost_usd, shares or own, month)
    _LOG.log(
        logging.INFO if call.outcome == "ok" else logging.WARNING,
        "service_called",
        service=call.service,
        operation=call.operation,
        outcome=call.outcome,
        seconds=round(call.seconds, 4),
        inputs=call.inputs,
        tokens=call.tokens,
        run_id=str(call.run_id) if call.run_id else None,
        request_id=call.request_id,
    )
    return transaction


_BILL = sa.text(
    f"""
    WITH {in_order("CAST(:jobs AS uuid[])")}
    UPDATE upload_jobs AS j
    SET billed_tokens = j.billed_tokens + b.tokens, cost_usd = j.cost_usd + b.usd
    FROM unnest(CAST(:jobs AS uuid[]), CAST(:tokens AS bigint[]), CAST(:usd AS numeric[]))
        AS b(job_id, tokens, usd) JOIN ordered AS o ON o.id = b.job_id
    WHERE j.id = b.job_id
    """
)


async def bill(connection: AsyncConnection, shares: Sequence[tuple[UUID, int, Decimal]]) -> None:
    """Charge jobs their (job, tokens, dollars) of an answered request; each job named once."""
    await connection.execute(
        _BILL,
        {
            "jobs": [share[0] for share in shares],
            "tokens": [share[1] for share in shares],
            "usd": [share[2] for share in shares],
        },
    )
