"""Intake: files and uploads become stored bytes (content-addressed) and registered jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline import correlation
from pipeline.errors import FencedOut, ServiceUnavailable, TransientError
from pipeline.failpoints import failpoint
from pipeline.quotas import StorageUse
from pipeline.sources import RejectedFile
from pipeline.store import attachments, pending_objects, quotas, registration, runs
from pipeline.store.attachments import Parent
from pipeline.store.pending_objects import Hold
from pipeline.store.registration import Outcome, Registered, Source
from stages import file_inspection
from stages.original_storage import store_files
from stages.services import Services

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

FRESH = (Outcome.NEW, Outcome.CHANGED)
"""Outcomes of sources whose bytes are to be stored."""

Writing = Callable[["AsyncConnection"], Awaitable[None]]
"""Writes something in a transaction of the intake's."""

FILES_AT_ONCE = 256
"""Files taken in at once: bounds memory and the length of a transaction."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What came of a group of files.

    Attributes:
        full: the user's storage, when some of the rejected did not fit into its quota.
    """

    registered: tuple[Registered, ...]
    rejected: tuple[RejectedFile, ...]
    full: StorageUse | None = None

    @property
    def fresh(self) -> list[str]:
        """Sources that are new or have changed."""
        return [each.source for each in self.registered if each.outcome in FRESH]

    @property
    def to_do(self) -> list[UUID]:
        """Jobs that are to be worked on."""
        wanted = (Outcome.NEW, Outcome.CHANGED, Outcome.WAITING)
        return [each.job_id for each in self.registered if each.outcome in wanted]


async def upload(
    services: Services,
    files: Sequence[Path],
    user: UUID,
    run_id: UUID,
    tags: Iterable[str],
    within: Mapping[Path, str] = MappingProxyType({}),
) -> Upload:
    """Take files in: bytes first, then the rows; published content is not stored again.

    Args:
        within: by file, the real path of the folder that it has to lie in.
    """
    limit = services.settings.max_file_bytes
    contents, rejected = await file_inspection.inspect_files(files, limit, within)
    by_source = {file_inspection.as_source(user, content): content for content in contents}

    async def store(wanted: Sequence[Source]) -> list[bool]:
        keyed = [(each.storage_key, by_source[each]) for each in wanted]
        return await store_files(services.storage, keyed)

    taken = await take_in(services, list(by_source), store, user, run_id, tags)
    return await include_known(services, taken, rejected, user, run_id, tags)


async def include_known(
    services: Services,
    taken: Upload,
    rejected: Sequence[RejectedFile],
    user: UUID,
    run_id: UUID,
    tags: Iterable[str],
) -> Upload:
    """Make what was known of a group of files part of the run, and keep what was rejected of it."""
    # what is inside a file that is taken up no further goes on by itself
    known = [each.document_id for each in taken.registered if each.outcome not in FRESH]
    async with services.database.service() as connection:
        await attachments.join_run(connection, run_id, known, list(tags), services.worker)
        await runs.reject(connection, run_id, user, rejected)
    return Upload(taken.registered, (*rejected, *taken.rejected), taken.full)


async def take_in(
    services: Services,
    sources: Sequence[Source],
    store: Callable[[Sequence[Source]], Awaitable[list[bool]]],
    user: UUID,
    run_id: UUID,
    tags: Iterable[str],
    actor: str | None = None,
    parent: Parent | None = None,
    reserved: int = 0,
    opening: Writing | None = None,
    received: str | None = None,
) -> Upload:
    """The one intake of files, requests and members of files: bytes first, then the rows.

    Args:
        actor: for the audit; this process when it is left out.
        parent: what the sources are inside of; they get its tags.
        reserved: bytes of the sources that the user's quota counts already.
        store: puts the sources' bytes under their storage keys and says of each whether there
            was something to put: the others are rejected. Called for those alone that are not
            stored yet.
        opening: opens the run, where nobody has yet.
        received: the stem of the pending object that `store` takes the bytes from; once it was
            called, the object is forgotten with the writing of the rows.

    Raises:
        ServiceUnavailable: a deletion came in between; nothing is registered, try again.
        FencedOut: the parent was deleted, changed or taken over; nothing is registered.
    """
    async with services.database.service(repeatable=True) as connection:
        known = await registration.look_up(connection, user, sources, services.version)
        wanted = [
            source for source, each in zip(sources, known, strict=True) if each.outcome in FRESH
        ]
        refused, full = await _beyond_quota(connection, services, user, wanted, reserved)
        wanted = [source for source in wanted if source.source not in refused]
        held = await _hold(connection, user, wanted)
        if opening is not None:  # on the disk once the rows that are written next are
            await opening(connection)
    async with _holding(services, held):
        stored = await store(wanted) if wanted else []
        failpoint("after-store-attachments" if parent else "after-store-upload")
        lost = {
            source.source: _vanished(source)
            for source, was_there in zip(wanted, stored, strict=True)
            if not was_there
        }
        lost |= refused
        found = [source for source in sources if source.source not in lost]
        async with services.database.service() as connection:
            if parent is not None:
                tags = await _tags_of(services, connection, user, found, parent)
            registered = await registration.register(
                connection,
                user,
                found,
                services.version,
                run_id=run_id,
                actor=actor or services.worker,
                tags=tags,
                correlation_id=parent.correlation_id if parent else correlation.current(),
            )
            await runs.reject(connection, run_id, user, list(lost.values()))
            put = {each.source for each in wanted}
            if any(each.outcome in FRESH and each.source not in put for each in registered):
                raise ServiceUnavailable("A document was deleted in the moment of its upload.")
            if held is not None:
                await pending_objects.commit(connection, held)
                if received is not None:
                    await pending_objects.forget(connection, user, received)
    failpoint("after-attachments-commit" if parent else "after-register-commit")
    return Upload(tuple(registered), tuple(lost.values()), full)


async def _beyond_quota(
    connection: AsyncConnection,
    services: Services,
    user: UUID,
    wanted: Sequence[Source],
    reserved: int,
) -> tuple[dict[str, RejectedFile], StorageUse | None]:
    """The sources whose bytes do not fit into the user's quota, and how full it is then.

    What others are storing at the same moment is not counted: so much it may be passed by.
    """
    allowed = services.settings.user_quota_bytes
    if not allowed or not wanted:
        return {}, None
    use = await quotas.storage_use(connection, user, allowed)
    contents = (each.file_sha256 for each in wanted)
    stored = await quotas.stored_contents(connection, user, contents)
    refused: dict[str, RejectedFile] = {}
    for each in wanted:
        size = 0 if each.file_sha256 in stored else max(0, each.file_bytes - reserved)
        if use.has_room(size):
            use = use.with_more(size)
            stored.add(each.file_sha256)
        else:
            error = use.refusal()
            rejected = RejectedFile(each.source, error.code, error.message, error.remedy)
            refused[each.source] = rejected
    return refused, use if refused else None


async def _tags_of(
    services: Services,
    connection: AsyncConnection,
    user: UUID,
    sources: Sequence[Source],
    parent: Parent,
) -> list[str]:
    await registration.lock(connection, user, sources)
    tags = await attachments.tags_of_current(connection, parent, services.worker)
    if tags is None:
        raise FencedOut("The document that files are inside of is not ours any more.")
    return tags


async def _hold(connection: AsyncConnection, user: UUID, wanted: Sequence[Source]) -> Hold | None:
    """Hold what is about to be stored, so that no deletion takes it; None when there is nothing."""
    if not wanted:
        return None
    return await pending_objects.acquire(connection, user, (each.file_sha256 for each in wanted))


@asynccontextmanager
async def _holding(services: Services, held: Hold | None) -> AsyncIterator[None]:
    """Release what is held when nothing comes of it."""
    try:
        yield
    except Exception:
        # It runs out by itself when the database is gone.
        if held is not None:
            with suppress(TransientError):
                async with services.database.service() as connection:
                    await pending_objects.release(connection, held)
        raise


def _vanished(source: Source) -> RejectedFile:
    """A file that changed or vanished since it was hashed."""
    message = "It vanished while it was read."
    return RejectedFile(source.source, "file_missing", message, "Put it back.")
