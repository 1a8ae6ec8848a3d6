"""Streams uploads into the storage, hashed and limited on the way, then registers a job."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from app.api.dependencies import ApiParts
from app.api.problems import ApiProblem, NotFound, TooLarge, Unprocessable, Unsupported
from clients.storage.objects import incoming_key, incoming_stem, raw_key, stem_of
from pipeline.errors import PARSE_REMEDIES, ParseCode, ParseError, TransientError
from pipeline.logs import logger
from pipeline.parsing.kinds import PICTURES
from pipeline.parsing.media import SNIFF_BYTES, shown_name, unnamed
from pipeline.quotas import StorageUse
from pipeline.store import pending_objects, quotas, runs
from pipeline.store.registration import Outcome, Registered, Source
from stages.intake import take_in
from stages.spaces.following import following

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_LOG = logger("navigator.intake")
_TO_DO = (Outcome.NEW, Outcome.CHANGED, Outcome.WAITING)


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that are stored whole, under a key of their own until they are registered.

    Attributes:
        head: their first `SNIFF_BYTES`.
    """

    key: str
    sha256: str
    size: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Description:
    """What the client says of a file.

    Attributes:
        name: as given; only shown, and only its ending is used.
        source: what it is a version of; None for a document named by its content.
        reserved: bytes of it that the user's quota counts already.
    """

    name: str
    source: str | None = None
    tags: Sequence[str] = ()
    reserved: int = 0


class Measured:
    """Pieces on their way to the storage, hashed, counted and limited.

    Args:
        limit: bytes.
        use: of the user's quota.
    """

    def __init__(self, limit: int, use: StorageUse | None = None) -> None:
        self._limit = limit
        self._use = use
        self._digest = hashlib.sha256()
        self._head = bytearray()
        self._size = 0

    async def passing(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same pieces.

        Raises:
            TooLarge: there are more bytes than the limit.
            StorageQuotaReached: there are more than the user may store.
        """
        async for piece in pieces:
            self._size += len(piece)
            require_size(self._size, self._limit)
            if self._use is not None:
                self._use.require_room(self._size)
            self._digest.update(piece)
            if len(self._head) < SNIFF_BYTES:
                self._head += piece[: SNIFF_BYTES - len(self._head)]
            yield piece

    def received(self, key: str) -> Received:
        """What has passed, stored under a key."""
        return Received(key, self._digest.hexdigest(), self._size, bytes(self._head))


def require_size(size: int | None, limit: int) -> None:
    """Make sure that a file is not too large.

    Raises:
        TooLarge: it is.
    """
    if size is not None and size > limit:
        raise TooLarge(
            f"The file has more than {limit} bytes.",
            code=ParseCode.TOO_LARGE.value, remedy=PARSE_REMEDIES[ParseCode.TOO_LARGE],
        )  # fmt: skip


async def storage_use(parts: ApiParts, user: UUID) -> StorageUse | None:
    """How much a user stores; None when there is no quota."""
    allowed = parts.settings.user_quota_bytes
    if not allowed:
        return None
    async with parts.database.reader(user) as connection:
        return await quotas.storage_use(connection, user, allowed)


async def receive(
    parts: ApiParts, user: UUID, pieces: AsyncIterator[bytes], use: StorageUse | None
) -> Received:
    """Store bytes as they arrive.

    Raises:
        TooLarge, StorageQuotaReached: nothing is stored then.
    """
    upload = uuid4()
    async with parts.database.service(repeatable=True) as connection:
        await pending_objects.acquire(connection, user, [incoming_stem(upload)])
    key = incoming_key(user, upload)
    measured = Measured(parts.settings.max_file_bytes, use)
    try:
        await parts.storage.put(key, measured.passing(pieces))
    except BaseException:
        with suppress(TransientError):
            await drop(parts, user, key)
        raise
    return measured.received(key)


async def drop(parts: ApiParts, user: UUID, key: str) -> None:
    """Remove what was received, if it is still there.

    Raises:
        TransientError: it could not be removed now; a sweep does it when its hold runs out.
    """
    await parts.storage.delete([key])
    async with parts.database.service(repeatable=True) as connection:
        await pending_objects.forget(connection, user, stem_of(user, key))


async def measure(parts: ApiParts, user: UUID, key: str) -> Received:
    """Hash what was stored by somebody else.

    Raises:
        NotFound: nothing was.
        TooLarge: it is too large; it is removed.
    """
    size = await parts.storage.size(key)
    if size is None:
        raise NotFound("Nothing was sent for this upload.", remedy="Send the file first.")
    try:
        require_size(size, parts.settings.max_file_bytes)
    except TooLarge:
        await drop(parts, user, key)
        raise
    measured = Measured(parts.settings.max_file_bytes)
    async for _ in measured.passing(parts.storage.pieces(key)):
        pass
    return measured.received(key)


async def accept(
    parts: ApiParts, user: UUID, received: Received, described: Description
) -> Registered:
    """Turn received bytes into a job and ask for its work; bytes that we have are dropped.

    Raises:
        Unsupported, Unprocessable: the content is none that we take; it is removed.
        StorageQuotaReached: others were faster; it is removed.
    """
    run_id = uuid4()
    moved = False
    try:
        await require_readable(parts, received, described.name)
        registered, moved = await _register(parts, user, run_id, received, described)
    finally:
        # Registering has moved the bytes when they are wanted; nothing may be left otherwise.
        if not moved:
            await drop(parts, user, received.key)
    _LOG.info(
        "upload_accepted",
        job_id=str(registered.job_id),
        document_id=str(registered.document_id),
        outcome=registered.outcome.value,
        bytes=received.size,
    )
    if registered.outcome in _TO_DO:
        job = registered.job_id
        parts.dispatcher.dispatch([job], run_id, f"upload {str(job)[:8]}", user)
    return registered


async def _register(
    parts: ApiParts, user: UUID, run_id: UUID, received: Received, described: Description
) -> tuple[Registered, bool]:
    """The job, and whether the bytes were moved to where they belong."""
    source = Source(
        source=described.source or f"upload:{received.sha256}",
        name=shown_name(described.name),
        file_sha256=received.sha256,
        file_bytes=received.size,
        storage_key=raw_key(user, received.sha256),
    )

    moved = False

    async def store(wanted: Sequence[Source]) -> list[bool]:
        nonlocal moved
        for each in wanted:
            await parts.storage.move(received.key, each.storage_key)
        moved = True
        return [True] * len(wanted)

    async def opening(connection: AsyncConnection) -> None:
        # It ends with the taking in; the work is dispatched, and counted with the job.
        await runs.start_run(connection, run_id, user, "upload", ended=True)

    taken = await take_in(
        await following(parts.services), [source], store, user, run_id, described.tags,
        actor="person", reserved=described.reserved, opening=opening,
        received=stem_of(user, received.key),
    )  # fmt: skip
    if taken.full is not None:
        raise taken.full.refusal()
    return taken.registered[0], moved


async def require_readable(parts: ApiParts, received: Received, name: str) -> None:
    """Make sure, from the content itself, that it is of a kind that we parse.

    The parser's process looks at it, so that no content holds up the other requests.

    Raises:
        Unsupported: another kind. Unprocessable: empty, protected with a password, or too much
            work to tell.
    """
    remote = parts.services.remote_parser is not None
    try:
        kind = await parts.services.parser.sniff(received.head, unnamed(name), remote=remote)
        if kind in PICTURES and not parts.settings.reads_pictures:
            message = "It is a picture, and pictures are read only with OCR, which is switched off."
            raise ParseError(ParseCode.UNSUPPORTED_TYPE, message)
    except ParseError as error:
        problem: type[ApiProblem] = Unprocessable
        if error.parse_code is ParseCode.UNSUPPORTED_TYPE:
            problem = Unsupported
        raise problem(error.message, code=error.code, remedy=error.remedy) from None
