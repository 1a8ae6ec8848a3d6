"""Watches the recall of the vector indexes: measures it once a day, and builds anew what is low."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.incident_causes import SEARCH
from pipeline.logs import logger
from pipeline.machine_answers import MachineAnswer
from pipeline.store import embedding_spaces, machine_answers, recall
from pipeline.store.engine import Database
from pipeline.store.index_options import narrower_indexes
from pipeline.store.recall import Recall
from stages.alerts.answering import note_answer
from stages.reconciling.inspection import Inspection

_LOG = logger("navigator.recall")

_NARROWER = ", by an index that an older release built, or this one when it was small"
_EVERY_SECONDS = 20 * 3600.0
REBUILT_SECONDS = 7 * 24 * 3600.0
"""So long after an index was built anew by itself, it is not again: it did not help."""


async def low_recall(look: Inspection) -> AsyncIterator[Finding]:
    """Measure what was not measured for a day; find indexes whose figure is low, and rebuild them.

    The old index answers until the new one takes its place, and the new one is measured at once.
    """
    database = look.services.database
    for each in await recall.measure_all(database, every_seconds=_EVERY_SECONDS):
        _LOG.info("recall_measured", space=str(each.space_id), recall=each.recall, worst=each.worst)
    async with database.service() as connection:
        known = await recall.latest(connection)
        narrower = await narrower_indexes(connection)
    for each in [each for each in known if each.recall < recall.LOW]:
        left = each
        if look.mends(Kind.RECALL_LOW) and not await _rebuilt_lately(database, each.space_id):
            left = await _rebuild(database, each)
        mended = left.recall >= recall.LOW
        yield look.finding(
            Kind.RECALL_LOW,
            f"space {each.space_id}",
            detail=f"{each.recall:.1%} of the ten nearest found, {each.worst:.0%} at worst"
            + (_NARROWER if each.space_id in narrower else "")
            + (f"; {left.recall:.1%} by the new index" if left is not each else ""),
            mended=mended,
            person=not mended,
        )


async def _rebuilt_lately(database: Database, space: UUID) -> bool:
    async with database.service() as connection:
        given = await machine_answers.since(connection, REBUILT_SECONDS, [MachineAnswer.REINDEX])
    return any(str(space) in each.said for each in given)


async def _rebuild(database: Database, low: Recall) -> Recall:
    """Build the index of a space anew, and measure it; as it was found when it has none."""
    dimension = dict(await embedding_spaces.indexed_spaces(database)).get(low.space_id)
    if dimension is None:
        return low
    said = (
        f"The vector index of space {low.space_id} found {low.recall:.0%} of what is nearest; it "
        "is built anew."
    )
    await note_answer(database, MachineAnswer.REINDEX, SEARCH, said)
    if not await embedding_spaces.rebuild_index(database, low.space_id, dimension):
        _LOG.warning("index_not_rebuilt", space=str(low.space_id))
        return low
    await recall.measure(database, low.space_id, dimension)
    async with database.service() as connection:
        known = {each.space_id: each for each in await recall.latest(connection)}
    _LOG.info("index_rebuilt", space=str(low.space_id), recall=known[low.space_id].recall)
    return known[low.space_id]
