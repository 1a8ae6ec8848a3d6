"""Plans what reading a source would do and cost. What is new or changed is read for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from clients.source import Source
from pipeline.moved_files import find_moves
from pipeline.source_definition import SourceDefinition
from pipeline.sources import RejectedFile
from pipeline.store import registration, synced
from stages.planned_documents import PlannedDocument, Seen
from stages.planning import Plan, planned
from stages.services import Services
from stages.sources import leaving
from stages.sources.leaving import Gone
from stages.sources.opening import opened_source
from stages.sources.spool import Spooled, groups, opened_spool
from stages.sources.survey import Survey, Wanted, by_user, survey


async def plan_source(services: Services, definition: SourceDefinition) -> Plan:
    """What a run that reads this source would do; stores no document and pays nothing.

    Raises:
        UsageError: its documents would be deleted by `sync`, though it holds none any more.
        NavigatorError: it cannot be listed.
    """
    async with opened_source(definition) as source:
        found = await survey(services, definition, source)
        gone = Gone()
        if definition.sync:
            gone = await leaving.find_gone(services, definition, source, found)
        documents, rejected, moved = await _wanted(services, source, found, gone)
    return Plan(
        tuple(documents),
        (*(each for _, each in found.rejected), *rejected),
        vanished=len(gone.objects) - moved,
        moved=moved,
        in_sources=found.documents,
        unchanged=found.counts["unchanged"],
    )


async def _wanted(
    services: Services, source: Source, found: Survey, gone: Gone
) -> tuple[list[PlannedDocument], list[RejectedFile], int]:
    documents: list[PlannedDocument] = []
    rejected: list[RejectedFile] = []
    seen: Seen = set()
    moved = 0
    for wanted in by_user(found.wanted).values():
        for group in groups(wanted):
            with opened_spool(source, services.settings.max_file_bytes) as spool:
                fetched = await spool.fetch_all(group)
                rejected += [each for each in fetched if isinstance(each, RejectedFile)]
                spooled = [each for each in fetched if isinstance(each, Spooled)]
                before = await _before(services, spooled, gone)
                moved += len(before)
                for each in spooled:
                    documents += await _planned(services, each, before, seen)
    return documents, rejected, moved


async def _before(services: Services, spooled: Sequence[Spooled], gone: Gone) -> dict[str, str]:
    """By the source of what moved, the one that its document has now."""
    if not spooled:
        return {}
    user = spooled[0].wanted.user
    present = {each.wanted.source: each.sha256 for each in spooled}
    left = [each.source for each in gone.of(user) if each.file_sha256 in present.values()]
    if not left:
        return {}
    async with services.database.reader(user) as connection:
        recorded = await synced.recorded(connection, user, [], [*left, *present])
    return {each.source: each.document.source for each in find_moves(recorded, present, set(left))}


async def _planned(
    services: Services, each: Spooled, before: dict[str, str], seen: Seen
) -> list[PlannedDocument]:
    wanted: Wanted = each.wanted
    now = wanted.as_source(each.sha256, each.size)
    then = registration.Source(
        before.get(now.source, now.source), now.name, now.file_sha256, now.file_bytes,
        now.storage_key,
    )  # fmt: skip
    async with services.database.reader(wanted.user) as connection:
        [known] = await registration.look_up(connection, wanted.user, [then], services.version)

    async def read() -> bytes | None:
        return await asyncio.to_thread(each.path.read_bytes)

    return await planned(services, wanted.user, now, known, seen, read)
