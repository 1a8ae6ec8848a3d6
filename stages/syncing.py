"""Syncs and deletes: files that moved, documents whose files are gone, or that nobody wants.

One rule for `ingest --sync` and its plan: `survey` says what has moved and what is gone. What moved
is the same document at another path, at once; what is gone is deleted last, when the run has ended
well.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from clients.storage.object_storage import Storage
from pipeline.errors import UsageError
from pipeline.failpoints import failpoint
from pipeline.missing_files import is_gone
from pipeline.moved_files import MovedDocument, Recorded, find_moves
from pipeline.skipped_deletions import kept_by_hold, kept_by_sync
from pipeline.sources import FoundFiles, storable
from pipeline.store import deletion, runs, synced
from pipeline.store.deletion import Deleted
from pipeline.store.engine import Database
from pipeline.store.transitions import Actor
from stages import file_inspection
from stages.garbage_collection import remove_orphaned_objects
from stages.services import Services

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Survey:
    """What `--sync` finds: documents whose files moved, and those whose files are gone."""

    moved: tuple[MovedDocument, ...]
    gone: tuple[Recorded, ...]

    @property
    def before(self) -> dict[str, str]:
        """The source that a document is still recorded under, by that of its file now."""
        return {each.source: each.document.source for each in self.moved}


async def survey(services: Services, user: UUID, found: FoundFiles) -> Survey:
    """What has moved and what is gone of the user's documents in the folders looked through.

    Raises:
        UsageError: a folder that held documents holds none, which is more often a missing mount
            than a wish.
    """
    if not found.roots:
        return Survey((), ())
    sources = [storable(path) for path in found.files]
    async with services.database.reader(user) as connection:
        recorded = await synced.recorded(connection, user, _folders(found.roots), sources)
    missing = await asyncio.to_thread(_missing, recorded, found)
    gone = {each.source for each in missing}
    moved = find_moves(recorded, await _present(services, found), gone) if recorded else []
    left = {each.document.document_id for each in moved}
    rest = tuple(each for each in missing if each.document_id not in left)
    _refuse_emptied(found, rest)
    return Survey(tuple(moved), rest)


async def _present(services: Services, found: FoundFiles) -> dict[str, str]:
    limit = services.settings.max_file_bytes
    contents, _ = await file_inspection.inspect_files(found.files, limit, found.within)
    return {storable(each.path): each.sha256 for each in contents}


async def vanished(connection: AsyncConnection, user: UUID, found: FoundFiles) -> list[Recorded]:
    """The user's documents that lay in the folders looked through and are gone."""
    recorded = await synced.recorded(connection, user, _folders(found.roots))
    return await asyncio.to_thread(_missing, recorded, found)


def _missing(recorded: Iterable[Recorded], found: FoundFiles) -> list[Recorded]:
    """Documents in the folders at whose own paths nothing is any more.

    What lies in a folder that could not be read, or behind a link that was passed over, was not
    looked at, and is not gone.
    """
    folders = tuple(_folders(found.roots))
    unread = (*found.unreadable, *(link.path for link in found.passed_over if link.folder))
    spared = tuple(_folders(unread))
    return [
        each
        for each in recorded
        if not each.inside
        and each.source.startswith(folders)
        and not (spared and each.source.startswith(spared))
        and is_gone(each.source)
    ]


def _refuse_emptied(found: FoundFiles, gone: Sequence[Recorded]) -> None:
    if _is_emptied(found, gone):
        raise UsageError(
            "A folder holds no document at all any more, so nothing was deleted.",
            remedy="Check that it is mounted; `navigator delete` removes what it held.",
        )


def _is_emptied(found: FoundFiles, gone: Sequence[Recorded]) -> bool:
    """Whether a folder that held documents holds none."""
    files = [storable(path) for path in found.files]
    return any(
        not any(file.startswith(folder) for file in files)
        and (not files or any(each.source.startswith(folder) for each in gone))
        for folder in _folders(found.roots)
    )


def _folders(paths: Iterable[Path]) -> list[str]:
    return [storable(path).rstrip("/") + "/" for path in paths]


async def take_moves(services: Services, user: UUID, found: FoundFiles, run_id: UUID) -> int:
    """Record of the documents whose files moved where these are now; how many.

    Nothing is made again, so they are found at every moment, whatever becomes of the run.

    Raises:
        UsageError: as `survey`.
        ServiceUnavailable: the documents changed meanwhile; nothing is moved, try again.
    """
    moved = (await survey(services, user, found)).moved
    if moved:
        async with services.database.service() as connection:
            who = Actor(services.worker, run_id)
            await synced.move_documents(connection, user, moved, who)
            failpoint("before-move-commit")
    failpoint("after-move-commit")
    return len(moved)


async def finish(
    services: Services, user: UUID, found: FoundFiles, run_id: UUID, *, well: bool
) -> int:
    """Delete what is gone, as the last step of a run, and tell what is kept; how many.

    Args:
        well: the run worked off everything. Else nothing is deleted, for what is gone may be what
            the unfinished documents replace.
    """
    async with services.database.reader(user) as connection:
        gone = await vanished(connection, user, found)
    still = await asyncio.to_thread(_still_there, found)
    ids = [each.document_id for each in gone]
    async with services.database.service() as connection:
        held = set(ids)
        if well and not _is_emptied(still, gone):
            held = await synced.held_back(connection, run_id, ids)
        kept = kept_by_sync(each.source for each in gone if each.document_id in held)
        await runs.reject(connection, run_id, user, kept[: runs.MOST_LINKS])
    failpoint("before-sync-delete")
    who = Actor(services.worker, run_id)
    left = [each for each in ids if each not in held]
    done = await delete(services.database, services.storage, left, who)
    if done.held:
        told = kept_by_hold(each.source for each in gone if each.document_id in done.held)
        async with services.database.service() as connection:
            await runs.reject(connection, run_id, user, told[: runs.MOST_LINKS])
    return len(done.documents)


def _still_there(found: FoundFiles) -> FoundFiles:
    """What was found and is there: a folder may be unmounted in the course of a run."""
    return replace(found, files=tuple(path for path in found.files if os.path.lexists(path)))


async def delete_vanished(services: Services, user: UUID, found: FoundFiles, run_id: UUID) -> int:
    """Delete the user's documents that lay in the folders looked through and are gone.

    Raises:
        UsageError: a folder is empty, which is more often a missing mount than a wish.
    """
    async with services.database.reader(user) as connection:
        _refuse_emptied(found, await vanished(connection, user, found))
    return await finish(services, user, found, run_id, well=True)


async def delete(
    database: Database,
    storage: Storage,
    documents: Sequence[UUID],
    actor: Actor,
    user: UUID | None = None,
) -> Deleted:
    """Delete documents with everything made of them; the rows first, then the objects.

    Objects that an earlier deletion or a crash left behind go with them.

    Args:
        user: only this user's documents; None for anybody's.
    """
    async with database.service() as connection:
        done = await deletion.delete_documents(connection, documents, actor, user)
    failpoint("after-delete-commit")
    await remove_orphaned_objects(database, storage)
    return done
