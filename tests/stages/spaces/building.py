"""Two spaces over one corpus: made, filled and looked at."""

from __future__ import annotations

from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from mocks import OpenAIMock
from pipeline.store.space_pointer import StoredSpace
from stages.services import Services
from stages.spaces.build_runs import SpaceRun, run_fill, stored_space
from stages.spaces.building import begin_space, plan_space
from stages.spaces.space_settings import SpaceSettings
from tests.flows.corpus import query

SMALL: dict[str, Any] = {"embedding_model": "text-embedding-3-small", "embedding_dimension": 64}
"""Settings of the space that answers first."""


def large(openai: OpenAIMock, dimension: int = 96) -> SpaceSettings:
    """Another model at the same mock server."""
    return SpaceSettings(
        embedder="openai", embedding_model="text-embedding-3-large",
        embedding_dimension=dimension, openai_base_url=openai.base_url,
    )  # fmt: skip


async def begun(services: Services, settings: SpaceSettings) -> StoredSpace:
    """A space that is filled from now on."""
    async with AsyncExitStack() as stack:
        embedder = await begin_space(services, await plan_space(services, settings, stack))
        return await stored_space(services, embedder.space.id)


async def built(
    services: Services, settings: SpaceSettings, cap: Decimal | None = None
) -> tuple[StoredSpace, SpaceRun]:
    """A space, filled as far as its cap lets it."""
    space = await begun(services, settings)
    return space, await run_fill(services, space, uuid4(), cap=cap)


async def vectors(services: Services, space_id: UUID) -> set[UUID]:
    """The chunks with a vector in a space."""
    found = await query(
        services,
        "SELECT chunk_id FROM upload_pipeline.chunk_vectors WHERE space_id = :space",
        space=space_id,
    )
    return {row["chunk_id"] for row in found}


async def chunks(services: Services) -> set[UUID]:
    """Every published chunk."""
    found = await query(services, "SELECT id FROM upload_pipeline.document_chunks")
    return {row["id"] for row in found}
