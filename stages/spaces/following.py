"""Keeps processes that run on (workers, the API) at the space and the sizes that are in force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.chunk_sizes import sizes_in_force
from pipeline.chunking.options import chunker_version
from pipeline.store import rate_limits, space_pointer
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.rate_limits import RateLimits
from pipeline.tokens import name_of
from stages.services import Services, chunker_options

if TYPE_CHECKING:
    from clients.embedder import Embedder


@retry_on_restart
async def following(services: Services) -> Services:
    """The services as they work for the space that answers now, by the sizes that are in force."""
    embedder, remembered = await services.embedders.in_force(services.database)
    sizes = sizes_in_force(services.settings, remembered)
    if embedder.space.id == services.version.space_id and sizes == services.sizes:
        return services
    return await in_space_of(replace(services, sizes=sizes), embedder)


@retry_on_restart
async def services_in(services: Services, space_id: UUID) -> Services | None:
    """The services as they work for a space that is kept beside; None when it is not."""
    async with services.database.service() as connection:
        space = await space_pointer.space(connection, space_id)
    if space is None or not space.filled:
        return None
    return await in_space_of(services, await services.embedders.of(space))


async def in_space_of(services: Services, embedder: Embedder) -> Services:
    """The services with another embedder, and the chunks that belong to it."""
    settings = services.settings
    chunker = chunker_options(services.sizes, embedder)
    cut = chunker_version(chunker, name_of(embedder.tokenizer_name))
    version = replace(services.version, chunker=cut, space_id=embedder.space.id)
    space = embedder.space
    limits = RateLimits(
        f"{space.provider}/{space.model}",
        settings.embedding_requests_per_minute,
        settings.embedding_tokens_per_minute,
    )
    async with services.database.service() as connection:
        await rate_limits.ensure_limits(connection, limits)
    return replace(services, embedder=embedder, chunker=chunker, version=version)
