"""Defers jobs whose service's circuit was open, and says when they may go on.

They may as soon as it has closed. While it is open one of them may when its window is over: its
request is the probe, and the others need not even be claimed for an answer that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING
from pipeline.store.engine import rows
from pipeline.store.schema import listed

_WORKING = listed(WORKING)

MAY_ASK = """NOT EXISTS (
    SELECT FROM provider_budgets AS p
    WHERE p.provider = j.waits_for AND p.circuit <> 'closed')"""
"""Whether the service that the job `j` waits for answers again; true of jobs that wait for none."""

IS_PROBE = f"""EXISTS (
    SELECT FROM provider_budgets AS p
    WHERE p.provider = j.waits_for AND p.opened_until <= clock_timestamp()
      AND j.id = (SELECT w.id FROM upload_jobs AS w
                  WHERE w.waits_for = p.provider AND w.state IN ({_WORKING}) AND w.stopped IS NULL
                    AND (w.lease_until IS NULL OR w.lease_until < now())
                  ORDER BY w.updated_at, w.id LIMIT 1))"""
"""Whether the job `j` waits longest of all for a service that may be tried now."""

_RESUMABLE = sa.text(
    f"""
    SELECT j.id FROM run_jobs AS r JOIN upload_jobs AS j ON j.id = r.job_id
    WHERE r.run_id = :run_id AND j.run_id = :run_id AND j.state IN ({_WORKING})
      AND j.stopped IS NULL AND j.waits_for IS NOT NULL AND j.claimed_by IS NULL AND {MAY_ASK}
    """
)


async def resumable(connection: AsyncConnection, run_id: UUID) -> set[UUID]:
    """The jobs of a run that waited for a service which answers again."""
    return set((await connection.execute(_RESUMABLE, {"run_id": run_id})).scalars())


_WAITED_FOR = sa.text(
    f"""
    SELECT j.waits_for AS provider, count(*)::int AS documents FROM upload_jobs AS j
    WHERE j.waits_for IS NOT NULL AND j.state IN ({_WORKING}) AND j.stopped IS NULL
    GROUP BY 1 ORDER BY 1
    """
)


async def waited_for(connection: AsyncConnection) -> dict[str, int]:
    """How many documents wait for each service."""
    found: Sequence[sa.RowMapping] = await rows(connection, _WAITED_FOR)
    return {row["provider"]: row["documents"] for row in found}
