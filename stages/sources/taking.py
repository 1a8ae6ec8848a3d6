"""Takes in what a survey found new or changed: a group of objects at a time, each remembered.

An interruption loses a group at most: what was registered is remembered, and what was not is read
again by the next run. The bytes of an object that has not changed are read only when the storage
does not have them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from clients.source import Source
from pipeline.failpoints import failpoint
from pipeline.source_definition import SourceDefinition
from pipeline.sources import RejectedFile
from pipeline.store import quotas, registration, runs, source_objects
from pipeline.store.source_objects import SeenObject
from stages import intake
from stages.services import Services
from stages.sources.leaving import Gone, moved_to
from stages.sources.spool import Spool, Spooled, groups, opened_spool
from stages.sources.survey import Survey, Wanted, as_seen, by_user, refused


@dataclass(frozen=True, slots=True)
class Reading:
    """A run that reads a source."""

    services: Services
    definition: SourceDefinition
    source: Source
    run_id: UUID

    @property
    def tags(self) -> tuple[str, ...]:
        """Of the documents."""
        return self.definition.tags


async def take_in(
    reading: Reading,
    found: Survey,
    gone: Gone,
    registered: Callable[[int], Awaitable[None]],
) -> Counter[str]:
    """Register what was found, and read of it what has to be read.

    Args:
        gone: what is gone; of what has moved only the place is changed.
        registered: called after each group with how many objects are still to come.

    Returns:
        Documents by what registering them meant, for a person.
    """
    counts: Counter[str] = Counter()
    left = len(found.wanted)
    for user, wanted in by_user(found.wanted).items():
        for group in groups(wanted):
            counts += await _take_group(reading, user, group, gone)
            left -= len(group)
            await registered(left)
    for user, rejected in found.rejected:
        counts["rejected"] += 1
        async with reading.services.database.service() as connection:
            await runs.reject(connection, reading.run_id, user, [rejected])
    return counts


async def _take_group(
    reading: Reading, user: UUID, group: Sequence[Wanted], gone: Gone
) -> Counter[str]:
    services, most = reading.services, reading.services.settings.max_file_bytes
    allowed, rejected = await _within_quota(services, user, group)
    with opened_spool(reading.source, most) as spool:
        unread = [each for each in allowed if each.sha256 is None]
        fetched = await spool.fetch_all(unread)
        spooled = [each for each in fetched if isinstance(each, Spooled)]
        rejected += [each for each in fetched if isinstance(each, RejectedFile)]
        moved = await moved_to(reading, user, {e.wanted.source: e.sha256 for e in spooled}, gone)
        same = [each for each in allowed if each.sha256 is not None]
        taken = await _register(reading, user, [*spooled, *same], spool)
        taken = await intake.include_known(
            services, taken, rejected, user, reading.run_id, reading.tags
        )
    failpoint("before-source-remembered")
    counts = Counter(each.outcome.value for each in taken.registered)
    counts["rejected"] += len(taken.rejected)
    counts["vanished"] += sum(each is None for each in fetched)
    counts["moved"] += moved
    counts["read"] += len(spooled)
    await _remember(reading, spooled, {each.source for each in taken.registered})
    return counts


async def _within_quota(
    services: Services, user: UUID, group: Sequence[Wanted]
) -> tuple[list[Wanted], list[RejectedFile]]:
    """What of a group fits into the user's storage; the rest is not even read."""
    most = services.settings.user_quota_bytes
    if not most:
        return list(group), []
    async with services.database.reader(user) as connection:
        use = await quotas.storage_use(connection, user, most)
    allowed, rejected = [], []
    for each in group:
        if each.sha256 is not None:
            allowed.append(each)
        elif use.has_room(each.item.size):
            use = use.with_more(each.item.size)
            allowed.append(each)
        else:
            rejected.append(refused(each.source, use.refusal()))
    return allowed, rejected


async def _register(
    reading: Reading, user: UUID, objects: Sequence[Spooled | Wanted], spool: Spool
) -> intake.Upload:
    named = {_as_source(each): each for each in objects}

    async def store(wanted: Sequence[registration.Source]) -> list[bool]:
        return [await _store(reading, spool, each, named[each]) for each in wanted]

    return await intake.take_in(
        reading.services, list(named), store, user, reading.run_id, reading.tags
    )


def _as_source(each: Spooled | Wanted) -> registration.Source:
    if isinstance(each, Spooled):
        return each.wanted.as_source(each.sha256, each.size)
    return each.as_source(str(each.sha256), each.item.size)


async def _store(
    reading: Reading, spool: Spool, source: registration.Source, each: Spooled | Wanted
) -> bool:
    storage = reading.services.storage
    if isinstance(each, Wanted):
        if await storage.size(source.storage_key) == source.file_bytes:
            return True
        fetched = await spool.fetch(replace(each, sha256=None))
        if not isinstance(fetched, Spooled) or fetched.sha256 != source.file_sha256:
            return False
        each = fetched
    [stored] = await storage.put_all([(source.storage_key, each.path)])
    return stored


async def _remember(reading: Reading, spooled: Sequence[Spooled], taken: set[str]) -> None:
    seen: list[SeenObject] = [
        as_seen(reading.definition, each.wanted, each.sha256)
        for each in spooled
        if each.wanted.source in taken
    ]
    async with reading.services.database.service() as connection:
        await source_objects.remember(connection, seen)
