"""Finds what is gone from a source, and deletes its documents when a run has ended well.

As with `ingest --sync`: what moved is the same document at another place, what is gone is deleted
last, and a source that holds nothing any more deletes nothing. Each object is asked for by itself
before it is taken for gone: a listing may be short.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from clients.source import Source
from pipeline.concurrency import gather_bounded
from pipeline.errors import UsageError
from pipeline.failpoints import failpoint
from pipeline.moved_files import find_moves
from pipeline.skipped_deletions import kept_by_hold, kept_by_sync
from pipeline.source_definition import SourceDefinition
from pipeline.store import runs, source_objects, synced
from pipeline.store.source_objects import SeenObject
from pipeline.store.transitions import Actor
from stages import syncing
from stages.services import Services
from stages.sources.survey import Survey, digest

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from stages.sources.taking import Reading

_ASKED_AT_ONCE = 16


@dataclass(slots=True)
class Gone:
    """What is gone from a source.

    Attributes:
        objects: by the source of the document.
    """

    objects: dict[tuple[UUID, str], SeenObject] = field(default_factory=dict)

    def of(self, user: UUID) -> list[SeenObject]:
        """What is gone of one user."""
        return [each for each in self.objects.values() if each.user_id == user]


async def find_gone(
    services: Services, definition: SourceDefinition, source: Source, found: Survey
) -> Gone:
    """What was seen before and is certainly gone.

    Raises:
        UsageError: a source that held documents holds none, which is more often an outage than a
            wish.
    """
    missing = await _missing(services, definition, found)
    if missing and not found.documents:
        raise UsageError(
            "The source holds no document at all any more, so nothing was deleted.",
            remedy="Check that it is the right place and that it can be read; `navigator delete` "
            "removes what it held.",
        )
    return await _certain(definition, source, missing)


async def _certain(
    definition: SourceDefinition, source: Source, missing: Sequence[SeenObject]
) -> Gone:
    address = definition.address
    calls = (source.is_gone(address.key_of(each.source)) for each in missing)
    answers = await gather_bounded(_ASKED_AT_ONCE, calls)
    pairs = zip(missing, answers, strict=True)
    return Gone({(each.user_id, each.source): each for each, is_gone in pairs if is_gone})


async def _missing(
    services: Services, definition: SourceDefinition, found: Survey
) -> list[SeenObject]:
    """What was seen before and is not listed."""
    missing: list[SeenObject] = []
    after: SeenObject | None = None
    prefix, owner = definition.address.prefix, definition.user_id
    while True:
        async with services.database.service() as connection:
            page = await source_objects.page(connection, prefix, definition.id, owner, after)
        if not page:
            return missing
        missing += [e for e in page if digest(e.user_id, e.source) not in found.seen]
        after = page[-1]


async def moved_to(reading: Reading, user: UUID, present: Mapping[str, str], gone: Gone) -> int:
    """Record of the documents whose objects moved where these are now; how many.

    Args:
        present: sources of objects that are new, with the hashes of their bytes.
    """
    left = [each for each in gone.of(user) if each.file_sha256 in present.values()]
    if not left:
        return 0
    sources = [each.source for each in left]
    async with reading.services.database.service() as connection:
        recorded = await synced.recorded(connection, user, [], [*sources, *present])
        moves = find_moves(recorded, present, set(sources))
        if moves:
            who = Actor(reading.services.worker, reading.run_id)
            await synced.move_documents(connection, user, moves, who)
    keys = [(user, each.document.source) for each in moves]
    old = [gone.objects.pop(key) for key in keys if key in gone.objects]
    async with reading.services.database.service() as connection:
        await source_objects.forget(connection, old)
    return len(moves)


async def revoke(reading: Reading, found: Survey) -> int:
    """Delete what users have who may not have it any more, at once; how many documents."""
    return await _delete(reading, found.revoked)


async def finish(reading: Reading, gone: Gone, *, well: bool) -> tuple[int, int]:
    """Delete what is gone, as the last step of a run; how many documents, and how many are kept.

    Args:
        well: the run worked off everything. Else nothing is deleted.
    """
    left = list(gone.objects.values())
    if well:  # the source may have come back, or gone away, in the course of the run
        left = list((await _certain(reading.definition, reading.source, left)).objects.values())
    kept = left
    if well and left:
        kept = await _held_back(reading, left)
    for user, objects in _by_user(kept).items():
        told = kept_by_sync(each.source for each in objects)
        async with reading.services.database.service() as connection:
            await runs.reject(connection, reading.run_id, user, told[: runs.MOST_LINKS])
    failpoint("before-source-delete")
    held = {(each.user_id, each.source) for each in kept}
    deleted = await _delete(reading, [e for e in left if (e.user_id, e.source) not in held])
    return deleted, len(kept)


async def _held_back(reading: Reading, left: Sequence[SeenObject]) -> list[SeenObject]:
    """What unpublished documents of the run may replace."""
    held: list[SeenObject] = []
    async with reading.services.database.service() as connection:
        for each in left:
            ids = await source_objects.documents_of(connection, [each])
            if await synced.held_back(connection, reading.run_id, ids):
                held.append(each)
    return held


def _by_user(objects: Sequence[SeenObject]) -> dict[UUID, list[SeenObject]]:
    found: dict[UUID, list[SeenObject]] = {}
    for each in objects:
        found.setdefault(each.user_id, []).append(each)
    return found


async def _delete(reading: Reading, objects: Sequence[SeenObject]) -> int:
    """Delete the documents, then forget the objects: so an interruption is made good."""
    if not objects:
        return 0
    services = reading.services
    async with services.database.service() as connection:
        ids = await source_objects.documents_of(connection, objects)
    who = Actor(services.worker, reading.run_id)
    done = await syncing.delete(services.database, services.storage, ids, who)
    async with services.database.service() as connection:
        held = await _held(connection, objects, done.held)
        await source_objects.forget(connection, [each for each in objects if each not in held])
    for user, kept in _by_user(held).items():
        told = kept_by_hold(each.source for each in kept)
        async with services.database.service() as connection:
            await runs.reject(connection, reading.run_id, user, told[: runs.MOST_LINKS])
    return len(done.documents)


async def _held(
    connection: AsyncConnection, objects: Sequence[SeenObject], documents: Collection[UUID]
) -> list[SeenObject]:
    """The objects whose documents a legal hold keeps: a later run deletes them."""
    if not documents:
        return []
    found = [(each, await source_objects.documents_of(connection, [each])) for each in objects]
    return [each for each, ids in found if not set(ids).isdisjoint(documents)]
