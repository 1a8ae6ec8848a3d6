"""The embedders of a process, one a space: which one answers is asked of the database each time.

So a process that runs on follows a switch with its next question, and a question is answered from
one space wholly: its embedder is chosen once, and says where to look.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.errors import ConfigurationError
from pipeline.store import space_pointer
from stages.spaces.embedder_in_space import EmbedderInSpace
from stages.spaces.server_identity import in_own_space, server_address
from stages.spaces.space_settings import stored_settings

if TYPE_CHECKING:
    from clients.embedder import Embedder
    from pipeline.chunk_sizes import ChunkSizes
    from pipeline.settings import Settings
    from pipeline.store.engine import Database
    from pipeline.store.space_pointer import StoredSpace


class EmbedderPool:
    """Opens the embedders of spaces as they are needed, and keeps them until `close`.

    Args:
        own: the embedder that the settings name; whoever opened it closes it.
    """

    def __init__(self, settings: Settings, own: Embedder) -> None:
        self._settings = settings
        self._own = own
        self._resolved: Embedder | None = None
        self._opened: dict[UUID, Embedder] = {}
        self._lock = asyncio.Lock()

    async def answering(self, database: Database) -> Embedder:
        """The embedder of the space that answers now.

        Raises:
            ConfigurationError: it cannot be opened here.
        """
        async with database.service() as connection:
            pinned = await space_pointer.active(connection)
        return await self.own(database) if pinned is None else await self.of(pinned)

    async def in_force(self, database: Database) -> tuple[Embedder, ChunkSizes]:
        """The embedder that answers now, and the sizes of chunks that the installation remembers.

        Raises:
            ConfigurationError: it cannot be opened here.
        """
        async with database.service() as connection:
            sizes, pinned = await space_pointer.in_force(connection)
        return (await self.own(database) if pinned is None else await self.of(pinned)), sizes

    async def own(self, database: Database) -> Embedder:
        """The embedder that the settings name, in its space."""
        if self._resolved is None:
            self._resolved = await in_own_space(self._own, database)
        return self._resolved

    async def of(self, space: StoredSpace) -> Embedder:
        """The embedder of a space.

        Raises:
            ConfigurationError: it cannot be opened here, or is another model by now.
        """
        async with self._lock:
            if space.id not in self._opened:
                self._opened[space.id] = await self._open(space)
            return self._opened[space.id]

    async def _open(self, space: StoredSpace) -> Embedder:
        from stages.services import open_embedder

        if self._is_own(space):  # by the process's own key and address
            return self._in(self._own, space)
        told = stored_settings(space.settings, space.model)
        opened = await open_embedder(told.applied_to(self._settings))
        made = opened.space
        if (made.provider, made.model, made.dimension) != (
            space.provider, space.model, space.dimension,
        ):  # fmt: skip
            await opened.close()
            raise ConfigurationError(
                f"What is set up for the space {space.model} is the model {made.model} with "
                f"{made.dimension} dimensions.",
                remedy="Put back what the space was built with; `navigator space list` shows it.",
            )
        return self._in(opened, space)

    def _is_own(self, space: StoredSpace) -> bool:
        own, address = self._own.space, server_address(self._own)
        named = (own.provider, own.model, own.dimension) == (
            space.provider, space.model, space.dimension,
        )  # fmt: skip
        if not named:
            return False
        return address in space.addresses if address else own.version == space.version

    def _in(self, embedder: Embedder, space: StoredSpace) -> Embedder:
        from clients.embedder import EmbeddingSpace

        told = space.settings or {}
        tokenizer, limit = told.get("tokenizer"), told.get("chunk_limit")
        named = EmbeddingSpace(space.provider, space.model, space.dimension, space.version)
        if named == embedder.space and tokenizer is None and limit is None:
            return embedder
        return EmbedderInSpace(embedder, named, tokenizer, limit)

    async def close(self) -> None:
        """Close what was opened here."""
        opened, self._opened = list(self._opened.values()), {}
        for each in opened:
            inner = each.embedder if isinstance(each, EmbedderInSpace) else each
            if inner is not self._own:
                await each.close()
