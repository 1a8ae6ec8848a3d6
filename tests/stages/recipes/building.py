"""Documents of two users, and the recipe that the tests build beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from pipeline.chunk_sizes import ChunkSizes
from pipeline.identity import user_id
from pipeline.store.recipes import Recipe
from stages.recipes import building
from stages.services import Services
from tests.flows.corpus import Opener, policy
from tests.ingesting import ingest
from tests.stages.spaces.building import SMALL

ANNA, BEN = user_id("anna"), user_id("ben")
LITTLE = ChunkSizes(64, 0)
LONG = " ".join(
    f"Sentence {n} tells of hail, of frost and of storms in the garden." for n in range(60)
)


@asynccontextmanager
async def published(remote: Opener, folder: Path) -> AsyncIterator[Services]:
    """Services over two documents of Anna's and one of Ben's, cut as a new installation does."""
    for name in ("home", "car"):
        policy(folder, name, extra=LONG)
    other = folder.parent / "ben"
    other.mkdir()
    policy(other, "boat", extra=LONG)
    unset = {"chunk_tokens": None, "chunk_overlap_tokens": None}
    async with remote(**SMALL, **unset) as services:
        await ingest(services, [folder], ANNA)
        await ingest(services, [other], BEN)
        yield services


async def built(
    services: Services, cap: Decimal | None = None
) -> tuple[Recipe, building.RecipeRun]:
    """The recipe of little chunks, as far as its cap lets it."""
    recipe = building.wanted(services, LITTLE)
    return recipe, await building.run_build(services, recipe, uuid4(), cap=cap)
