"""Sync and delete: documents whose files are gone, or that a person wants gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
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

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


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
    if not found.roots:
        return 0
    async with services.database.service() as connection:
        gone = await vanished(connection, user, found)
    who = Actor(services.worker, run_id)
    return len((await delete(services.database, services.storage, gone, who)).documents)


async def vanished(connection: AsyncConnection, user: UUID, found: FoundFiles) -> list[UUID]:
    """The user's documents that lay in the folders looked through and are gone.

    What was left out this time is not gone: pictures, unreadable folders, links passed over.
    """
    links = [link.path for link in found.passed_over]
    sources = [storable(path) for path in (*found.files, *found.pictures, *links)]
    unread = [*found.unreadable, *(link.path for link in found.passed_over if link.folder)]
    return await deletion.vanished(
        connection, user, _folders(found.roots), sources, _folders(unread)
    )


def _folders(paths: Iterable[Path]) -> list[str]:
    return [storable(path).rstrip("/") + "/" for path in paths]


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
