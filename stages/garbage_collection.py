"""Garbage collection: removes stored objects that deletions and crashes have orphaned."""

from __future__ import annotations

from uuid import UUID

from clients.storage.object_storage import Storage
from clients.storage.objects import INCOMING, parsed_folder, raw_key
from pipeline.concurrency import gather_bounded
from pipeline.errors import TransientError
from pipeline.failpoints import failpoint
from pipeline.logs import logger
from pipeline.store import pending_objects, uploads
from pipeline.store.engine import Database
from stages.services import Services

_LOG = logger("navigator.removing")

# Few, because who uploads for the same user waits for so many.
_AT_ONCE = 32


async def remove_orphaned_objects(
    database: Database, storage: Storage, user: UUID | None = None
) -> int:
    """Remove orphaned objects: acquired by nobody, needed by no document; the number of files.

    Interrupted, it goes on the next time.

    Args:
        user: only this user's; None for everybody's.

    Raises:
        StorageUnavailable, DatabaseUnavailable: what is left is removed another time.
    """
    removed = 0
    while True:
        async with database.service() as connection:
            taken = await pending_objects.take_orphaned(connection, user, _AT_ONCE)
            if taken is None:
                return removed
            owner, stems = taken
            await gather_bounded(_AT_ONCE, (_remove(storage, owner, stem) for stem in stems))
            failpoint("before-removal-commit")
        removed += len(stems)


async def _remove(storage: Storage, user: UUID, stem: str) -> None:
    if stem.startswith(INCOMING):
        await storage.delete([f"{user}/{stem}"])
        return
    await storage.delete([raw_key(user, stem)])
    await storage.delete_under(parsed_folder(user, stem))


async def collect_garbage(services: Services) -> None:
    """Collect garbage of all users: orphaned objects, and announced uploads that never came.

    A service that fails meanwhile is logged, no more: this is done again with every run and sweep.
    """
    try:
        async with services.database.service() as connection:
            await uploads.forget_expired(connection)
        removed = await remove_orphaned_objects(services.database, services.storage)
    except TransientError as error:
        _LOG.warning("orphaned_objects_not_removed", code=error.code, reason=error.message)
        return
    if removed:
        _LOG.info("orphaned_objects_removed", contents=removed)
