"""Compares a recipe with what is published, exchanges the two, goes back, and drops one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.chunk_sizes import ChunkSizes
from pipeline.errors import UsageError
from pipeline.identity import recipe_id
from pipeline.logs import logger
from pipeline.store import recipes
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.recipe_reading import RecipeDatabase
from pipeline.store.recipe_switching import Exchange, exchange
from pipeline.store.recipes import Recipe, RecipeUse
from stages.golden.asking import ask_questions
from stages.golden.comparison import Comparison, compared_by, objections
from stages.golden.kept import asked_questions
from stages.recipes.cutting import recipe_of
from stages.services import Services
from stages.word_indexing import index_everybody

if TYPE_CHECKING:
    from stages.golden.questions import GoldenQuestion

_LOG = logger("navigator.recipes")
Heard = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An exchange that was made, of so many documents; `left` stay as they were."""

    made: Exchange
    documents: int
    left: int


@retry_on_restart
async def use_of(services: Services, recipe: Recipe) -> RecipeUse:
    """What is there of a recipe, with vectors in the space that answers."""
    async with services.database.service() as connection:
        return await recipes.use(connection, recipe, services.version.space_id)


async def compare(
    services: Services, recipe: Recipe, file: Path | None, heard: Heard | None = None
) -> Comparison | None:
    """What is published and a recipe, asked the golden questions; None when there are none."""
    questions: list[GoldenQuestion] = await asked_questions(services, file)
    if not questions:
        return None
    old = await ask_questions(services, services.embedder, questions, heard)
    beside = replace(services, database=RecipeDatabase(services.database, recipe.id))
    new = await ask_questions(beside, services.embedder, questions, heard)
    return compared_by(old, new, (await use_of(services, recipe)).lacking)


async def switch(
    services: Services,
    recipe: Recipe,
    who: str,
    compared: Comparison | None,
    force: str | None = None,
) -> Exchanged:
    """Have readers see what a recipe has made, and documents be cut so from now on.

    Args:
        who: in whose name it is written down.
        compared: what the golden questions said; None when there are none.
        force: why it is done although the gate refuses it; written down.

    Raises:
        UsageError: the gate refuses it.
    """
    reasons = objections(compared, (await use_of(services, recipe)).lacking)
    if reasons and not force:
        raise UsageError(
            "The gate refuses the switch: " + " ".join(reasons),
            remedy="Mend that, or switch all the same with --force and the reason why.",
        )
    reason = f"{force} (against: {' '.join(reasons)})" if reasons else ""
    figures = compared.figures() if compared else None
    made = Exchange("switch", _published(services), recipe, who, reason, figures)
    return await _exchange(services, made, whole=not force)


async def roll_back(services: Services, who: str) -> Exchanged:
    """Have readers see again what they saw before the last switch; nothing is bought.

    Raises:
        UsageError: there was no switch, or what was there before has been dropped.
    """
    async with services.database.service() as connection:
        past = await recipes.switches(connection, 1)
        known = {each.id: each for each in await recipes.all_recipes(connection)}
    if not past:
        raise UsageError(
            "There has been no switch of recipes: there is nothing to go back to.",
            remedy="`navigator recipe list` shows what there is.",
        )
    before = known.get(recipe_id(past[0].from_chunker))
    if before is None or not (await use_of(services, before)).documents:
        raise UsageError(
            "What was published before the last switch has been dropped.",
            remedy="Build it again with `navigator recipe build`, then switch.",
        )
    return await _exchange(
        services, Exchange("rollback", _published(services), before, who), whole=False
    )


def _published(services: Services) -> Recipe:
    """What is published now, as a recipe."""
    return recipe_of(services, services.sizes)


async def _exchange(services: Services, made: Exchange, *, whole: bool) -> Exchanged:
    if made.before.id == made.after.id:
        raise UsageError(
            "What is published is cut so already.",
            remedy="`navigator recipe list` shows which others there are.",
        )
    documents = await _commit(services, made, whole=whole)
    before, now = made.before.chunker, made.after.chunker
    _LOG.info("recipe_switched", kind=made.kind, before=before, now=now, documents=documents)
    await index_everybody(services.database)
    return Exchanged(made, documents, (await use_of(services, made.after)).lacking)


@retry_on_restart
async def _commit(services: Services, made: Exchange, *, whole: bool) -> int:
    async with services.database.service() as connection:
        await recipes.ensure(connection, made.before)
    async with services.database.service() as connection:
        return await exchange(connection, made, services.version.space_id, whole=whole)


async def drop(services: Services, recipe: Recipe) -> int:
    """Remove a recipe with its chunks and vectors; how many documents it had."""
    removed = 0
    while number := await _drop_page(services, recipe):
        removed += number
    return removed


@retry_on_restart
async def _drop_page(services: Services, recipe: Recipe) -> int:
    async with services.database.service() as connection:
        return await recipes.drop_page(connection, recipe)


async def recipe_named(services: Services, sizes: ChunkSizes | None) -> Recipe:
    """The recipe of these sizes; the only one beside what is published when none are given.

    Raises:
        UsageError: there is none, or more than one.
    """
    async with services.database.service() as connection:
        known = await recipes.all_recipes(connection)
    beside = [each for each in known if each.chunker != services.version.chunker]
    if sizes is not None:
        beside = [each for each in beside if each.sizes == sizes]
    if len(beside) == 1:
        return beside[0]
    raise UsageError(
        "There are several recipes beside what is published."
        if beside
        else "There is no such recipe beside what is published.",
        remedy="Name its size as `navigator recipe list` shows it, e.g. 400/50."
        if beside
        else "Begin one with `navigator recipe build`.",
    )
