"""Watches the recall of the vector indexes: measures it once a day, and tells when it is low."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.logs import logger
from pipeline.store import recall
from pipeline.store.index_options import narrower_indexes
from stages.reconciling.inspection import Inspection

_LOG = logger("navigator.recall")

_NARROWER = ", by an index that an older release built, or this one when it was small"
_EVERY_SECONDS = 20 * 3600.0


async def low_recall(look: Inspection) -> AsyncIterator[Finding]:
    """Measure what was not measured for a day; find indexes whose last figure is low."""
    database = look.services.database
    for each in await recall.measure_all(database, every_seconds=_EVERY_SECONDS):
        _LOG.info("recall_measured", space=str(each.space_id), recall=each.recall, worst=each.worst)
    async with database.service() as connection:
        known = await recall.latest(connection)
        narrower = await narrower_indexes(connection)
    for each in known:
        if each.recall < recall.LOW:
            yield look.finding(
                Kind.RECALL_LOW,
                f"space {each.space_id}",
                detail=f"{each.recall:.1%} of the ten nearest found, {each.worst:.0%} at worst"
                + (_NARROWER if each.space_id in narrower else ""),
            )
