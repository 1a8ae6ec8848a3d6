"""Fills a space beside another: embeds the published texts that it lacks, each once.

It goes by the space's backlog, a few documents at a time. What is bought is kept with its bill in
one transaction, so that a run that dies goes on where it was and pays for nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pipeline.errors import EmbeddingError, TransientError
from pipeline.failpoints import failpoint
from pipeline.store import space_backlog, space_pointer, space_vectors, vector_buffer
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.lock_order import lock_documents
from pipeline.store.vector_buffer import PendingText
from stages.batch import Batch
from stages.embedding_requests import Sender
from stages.services import Services

_DOCUMENTS = 32
"""At a time: as many as share requests well, and a crash reserves."""
_POLL_SECONDS = 0.2

Progress = Callable[[int], Awaitable[None]]
"""Hears how many documents the space still lacks."""


@dataclass(slots=True)
class Filled:
    """What came of filling a space.

    Attributes:
        texts: bought. left: documents that the space still lacks.
        refused: why texts were not embedded, with how many; they stay in the backlog.
        unanswered: the first reason why texts got no answer.
    """

    texts: int = 0
    left: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    unanswered: TransientError | None = None


async def fill(
    services: Services,
    run_id: UUID,
    *,
    only: Collection[UUID] | None = None,
    progress: Progress | None = None,
    into: Filled | None = None,
) -> Filled:
    """Embed what the space of these services lacks.

    Args:
        services: as they work for the space; see `following.in_space_of`.
        run_id: whose cost cap counts.
        only: of these documents alone.
        into: counts what was done, also when the run is stopped.

    Raises:
        TransientError: the database does not answer; what was bought is kept.
        RunStopped: the cost cap or the account's quota is reached; the same.
    """
    done, filling = into or Filled(), _Filling(services, run_id)
    try:
        while await filling.once_through(only, done, progress) or filling.waits:
            if done.unanswered is not None:
                break
            if filling.waits:  # somebody else has the rest under way: their answer is ours too
                await asyncio.sleep(_POLL_SECONDS)
    finally:
        done.left = await _left(services)
    if not done.left and only is None:
        async with services.database.service() as connection:
            await space_pointer.note_whole(connection, services.version.space_id)
    return done


@retry_on_restart
async def _left(services: Services) -> int:
    async with services.database.service() as connection:
        return await space_backlog.count(connection, services.version.space_id)


class _Filling:
    """One run over a backlog.

    Attributes:
        waits: others have texts under way that it needs.
        stuck: documents with a text that the model does not take; they are not tried again.
    """

    def __init__(self, services: Services, run_id: UUID) -> None:
        self._services = services
        self._batch = Batch(run_id, ())
        self._space = services.version.space_id
        self._shared = services.settings.share_vectors
        self.waits = False
        self.stuck: set[UUID] = set()

    async def once_through(
        self, only: Collection[UUID] | None, done: Filled, progress: Progress | None
    ) -> bool:
        """Go through the backlog once; whether any document came off it."""
        after, moved, self.waits = UUID(int=0), False, False
        while found := await self._next(after, only):
            after = found[-1]
            documents = [each for each in found if each not in self.stuck]
            if not documents:
                continue
            refused = await self._buy(documents, done)
            off = await self._settle(documents)
            moved |= bool(off)
            failpoint("after-space-settled")
            if refused:
                self.stuck.update(set(documents) - off)
            if progress is not None:
                await progress(await _left(self._services))
            if done.unanswered is not None:
                break
            self.waits |= await self._others_have(documents)
        return moved

    @retry_on_restart
    async def _next(self, after: UUID, only: Collection[UUID] | None) -> list[UUID]:
        async with self._services.database.service() as connection:
            return await space_backlog.next_documents(
                connection, self._space, after, _DOCUMENTS, only
            )

    async def _buy(self, documents: Sequence[UUID], done: Filled) -> bool:
        """Buy what nobody has under way; whether any text was refused."""
        texts = await self._reserve(documents)
        failpoint("after-space-reserve")
        if not texts:
            return False
        sent = await Sender(self._services, self._batch, documents).send(texts)
        for error in sent.refused.values():
            done.refused[_reason(error)] = done.refused.get(_reason(error), 0) + 1
        done.unanswered = next(iter(sent.unanswered.values()), None)
        done.texts += len(texts) - len(sent.refused) - len(sent.unanswered)
        return bool(sent.refused)

    @retry_on_restart
    async def _reserve(self, documents: Sequence[UUID]) -> list[PendingText]:
        services = self._services
        async with services.database.service() as connection:
            reserved = await vector_buffer.reserve(
                connection, documents, self._space, services.worker,
                services.settings.lease_seconds, shared=self._shared,
                chunks=space_vectors.PUBLISHED,
            )  # fmt: skip
        return reserved.texts

    @retry_on_restart
    async def _settle(self, documents: Sequence[UUID]) -> set[UUID]:
        """Lend what twins have, and take off the backlog what is whole; what came off."""
        async with self._services.database.service() as connection:
            await lock_documents(connection, documents)
            await space_vectors.lend(connection, self._space, documents, shared=self._shared)
            return await space_backlog.strike_off(connection, self._space, documents)

    @retry_on_restart
    async def _others_have(self, documents: Sequence[UUID]) -> bool:
        async with self._services.database.service() as connection:
            return await space_vectors.in_flight(
                connection, self._space, documents, shared=self._shared
            )


def _reason(error: EmbeddingError) -> str:
    return error.message
