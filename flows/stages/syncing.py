"""Sync and delete: documents whose files are gone, or that a person wants gone."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from blocks.assembly import Services
from blocks.storage import Storage
from flows.stages.removing import remove_abandoned
from pipeline.errors import UsageError
from pipeline.failpoints import failpoint
from pipeline.sources import FoundFiles, storable
from pipeline.store import deletion
from pipeline.store.deletion import Deleted
from pipeline.store.engine import Database
from pipeline.store.transitions import Actor


async def delete_vanished(services: Services, user: UUID, found: FoundFiles, run_id: UUID) -> int:
    """Delete the user's documents that lay in the folders looked through and are gone.

    Raises:
        UsageError: the folders are empty, which is more often a missing mount than a wish.
    """
    if found.roots and not found.files:
        raise UsageError(
            "The folders hold no document at all, so nothing was deleted.",
            remedy="Check that the folder is mounted; use `navigator delete` to empty the corpus.",
        )
    folders = [storable(root).rstrip("/") + "/" for root in found.roots]
    if not folders:
        return 0
    sources = [storable(path) for path in (*found.files, *found.pictures)]
    spared = [storable(path).rstrip("/") + "/" for path in found.unreadable]
    async with services.database.service() as connection:
        gone = await deletion.vanished(connection, user, folders, sources, spared)
    who = Actor(services.worker, run_id)
    return len((await delete(services.database, services.storage, gone, who)).documents)


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
    await remove_abandoned(database, storage)
    return done
