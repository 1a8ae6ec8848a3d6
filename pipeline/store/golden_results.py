"""Reads what golden questions found, night by night."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows

_LAST = sa.text(
    """
    SELECT max(observed) FILTER (WHERE rule = 'ndcg_holds') AS ndcg,
           max(observed) FILTER (WHERE rule = 'recall_holds') AS recall
    FROM quality_results
    WHERE suite = 'golden' AND run_id = (
        SELECT run_id FROM quality_results WHERE suite = 'golden' ORDER BY id DESC LIMIT 1)
    """
)


async def last_means(connection: AsyncConnection) -> tuple[float, float] | None:
    """The mean nDCG and recall of the last night; None when there was none."""
    (row,) = await rows(connection, _LAST, {})
    return None if row["ndcg"] is None else (float(row["ndcg"]), float(row["recall"]))
