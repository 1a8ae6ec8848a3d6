"""Recipes for the command line: planned, built, compared, exchanged, listed, dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from pipeline.chunk_sizes import ChunkSizes
from pipeline.errors import UsageError
from pipeline.settings import Settings
from pipeline.worker_identity import operator_account

if TYPE_CHECKING:
    from pipeline.store.recipes import PastSwitch, Recipe, RecipeUse
    from stages.golden.comparison import Comparison
    from stages.recipes.building import RecipePlan, RecipeRun
    from stages.recipes.switching import Exchanged
    from stages.services import Services

Heard = Callable[[], Awaitable[None]]
"""Called after each question of each side."""


@dataclass(frozen=True, slots=True)
class RecipeList:
    """How documents are cut now, every recipe beside that, and the last switches, newest first."""

    now: ChunkSizes
    beside: Sequence[tuple[Recipe, RecipeUse]]
    switches: Sequence[PastSwitch]


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Services]:
    from stages.services import open_services

    async with open_services(settings) as services:
        yield services


async def listed(settings: Settings) -> RecipeList:
    """Every recipe that there is."""
    from pipeline.store import recipes

    async with _opened(settings) as services, services.database.service() as connection:
        known = [
            (each, await recipes.use(connection, each, services.version.space_id))
            for each in await recipes.all_recipes(connection)
            if each.chunker != services.version.chunker
        ]
        return RecipeList(services.sizes, known, await recipes.switches(connection))


async def planned(settings: Settings, sizes: ChunkSizes, *, store: bool) -> RecipePlan:
    """What building a recipe would buy; when stored, what it cuts is kept already."""
    from stages.recipes.building import plan, wanted

    async with _opened(settings) as services:
        return await plan(services, wanted(services, sizes), store=store)


async def built(settings: Settings, sizes: ChunkSizes, cap: Decimal | None) -> RecipeRun:
    """Build a recipe in this process, as far as its cap lets it."""
    from stages.recipes.building import run_build, wanted

    async with _opened(settings) as services:
        return await run_build(services, wanted(services, sizes), uuid4(), cap=cap)


async def compared(
    settings: Settings, sizes: ChunkSizes | None, file: Path | None, heard: Heard
) -> Comparison | None:
    """What is published and a recipe, asked the golden questions; None when there are none."""
    from stages.recipes.switching import compare, recipe_named

    async with _opened(settings) as services:
        return await compare(services, await recipe_named(services, sizes), file, heard)


async def switched(
    settings: Settings,
    sizes: ChunkSizes | None,
    file: Path | None,
    force: str | None,
    heard: Heard,
) -> tuple[Exchanged, Comparison | None]:
    """Compare, and exchange what is published if the gate lets it, or is overruled."""
    from stages.recipes.switching import compare, recipe_named, switch

    require_unset(settings)
    async with _opened(settings) as services:
        recipe = await recipe_named(services, sizes)
        found = await compare(services, recipe, file, heard)
        return await switch(services, recipe, operator_account(), found, force), found


async def rolled_back(settings: Settings) -> Exchanged:
    """Have readers see what they saw before the last switch."""
    from stages.recipes.switching import roll_back

    require_unset(settings)
    async with _opened(settings) as services:
        return await roll_back(services, operator_account())


async def dropped(settings: Settings, sizes: ChunkSizes) -> int:
    """Remove a recipe that is beside what is published; how many documents it had."""
    from stages.recipes.switching import drop, recipe_named

    async with _opened(settings) as services:
        return await drop(services, await recipe_named(services, sizes))


def require_unset(settings: Settings) -> None:
    """Make sure that what the installation remembers counts.

    Raises:
        UsageError: a setting goes before it.
    """
    for name in ("chunk_tokens", "chunk_overlap_tokens"):
        if getattr(settings, name) is not None:
            variable = f"NAVIGATOR_{name.upper()}"
            raise UsageError(
                f"{variable} is set, and goes before what the installation remembers.",
                remedy=f"Unset it, in the environment and in the file with settings, or set "
                f"{variable} itself.",
            )
