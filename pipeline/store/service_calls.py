"""The ledger of calls to outside services: how long, what came of it, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import in_order


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
    f"""
    INSERT INTO {SCHEMA}.service_calls (service, operation, outcome, seconds, code, inputs, tokens,
                                        cost_usd, request_id, user_id, run_id)
    VALUES (:service, :operation, :outcome, :seconds, :code, :inputs, :tokens,
            :cost_usd, :request_id, :user_id, :run_id)
    """  # noqa: S608
)


async def record(connection: AsyncConnection, call: ServiceCall) -> None:
    """Add one call to the ledger."""
    values = {name: getattr(call, name) for name in ServiceCall.__slots__}
    await connection.execute(_INSERT, values)


_BILL = sa.text(
    f"""
    WITH {in_order("CAST(:jobs AS uuid[])")}
    UPDATE {SCHEMA}.upload_jobs AS j
    SET billed_tokens = j.billed_tokens + b.tokens, cost_usd = j.cost_usd + b.usd
    FROM unnest(CAST(:jobs AS uuid[]), CAST(:tokens AS bigint[]), CAST(:usd AS numeric[]))
        AS b(job_id, tokens, usd) JOIN ordered AS o ON o.id = b.job_id
    WHERE j.id = b.job_id
    """  # noqa: S608
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
