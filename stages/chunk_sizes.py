"""Tells how an installation stands with its chunk sizes, and what the recommended ones would cost.

Cheap: from the figures of what is published. `stages.backfill_plan` reckons it exactly.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal

from pipeline.chunk_sizes import RECOMMENDED, ChunkSizes, sizes_in_force
from pipeline.errors import NavigatorError
from pipeline.settings import Settings
from pipeline.store.engine import Database
from pipeline.store.remembered_sizes import PublishedChunks, published_chunks, remembered_sizes
from stages.costs import embedding_price
from stages.services import open_embedders
from stages.spaces.embedder_in_space import chunk_limit


@dataclass(frozen=True, slots=True)
class Standing:
    """How large chunks are here.

    Attributes:
        sizes: in force.
        is_set: a setting says so, not what the installation remembers.
        outdated: what the recommended sizes would make again, all users' together; None when
            nothing is to be gained by them.
        usd: about what that costs at list price; None when the embedder cannot be opened here.
    """

    sizes: ChunkSizes
    is_set: bool
    outdated: PublishedChunks | None = None
    usd: Decimal | None = None


async def standing(settings: Settings, database: Database) -> Standing:
    """How this installation stands. Read only.

    Raises:
        ConfigurationError: what is set contradicts what is remembered.
    """
    async with database.service() as connection:
        remembered = await remembered_sizes(connection)
        sizes = sizes_in_force(settings, remembered)
        is_set = settings.chunk_tokens is not None
        if is_set or sizes.tokens >= RECOMMENDED.tokens:
            return Standing(sizes, is_set)
        published = await published_chunks(connection)
    limit, usd = RECOMMENDED.tokens, None
    async with AsyncExitStack() as stack:
        try:
            embedders = await open_embedders(settings, stack)
            embedder = await embedders.answering(database)
            limit, usd = chunk_limit(embedder), embedding_price(embedder, published.tokens)
        except NavigatorError:
            pass  # told by whoever needs it; the size is worth knowing all the same
    if limit <= sizes.tokens:  # the model reads no more
        return Standing(sizes, is_set)
    return Standing(sizes, is_set, published, usd)
