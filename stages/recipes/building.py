"""Builds a recipe beside what is published: cuts, tells what is to be bought, and buys it once.

What is bought is kept with its bill in one transaction, so that a run that dies goes on where it
was and pays for nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from pipeline.chunk_sizes import ChunkSizes
from pipeline.errors import NavigatorError, RunStopped, TransientError, UsageError
from pipeline.failpoints import failpoint
from pipeline.identity import OPERATOR
from pipeline.store import known_vectors, recipe_vectors, recipes, runs, vector_buffer
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.lock_order import lock_documents
from pipeline.store.recipes import Recipe, RecipeUse
from pipeline.store.space_vectors import Lacking
from pipeline.store.vector_buffer import PendingText
from pipeline.store.vector_owners import SHARED_OWNER
from stages.batch import Batch
from stages.costs import embedding_price
from stages.embedding_requests import Sender
from stages.recipes.cutting import cut_next, keep, recipe_of
from stages.services import Services

KIND = "recipe"
"""Of such a run."""

_DOCUMENTS = 32
_POLL_SECONDS = 0.2

Progress = Callable[[int], Awaitable[None]]
"""Hears how many documents were worked on."""


@dataclass(frozen=True, slots=True)
class RecipePlan:
    """A recipe as it would be built.

    Attributes:
        documents, chunks: that are cut now; what was cut before is there.
        texts, tokens: to be bought for all of it; usd: at list price.
        refused: documents that the gate would not publish so, by the reason.
    """

    recipe: Recipe
    documents: int
    chunks: int
    texts: int
    tokens: int
    usd: Decimal
    refused: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Bought:
    """What came of buying: texts, and why texts were refused or got no answer."""

    texts: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    unanswered: TransientError | None = None


@dataclass(frozen=True, slots=True)
class RecipeRun:
    """What came of a run that builds a recipe.

    Attributes:
        stopped: why it ended before the recipe was whole, if it did; run again, it goes on.
        usd: what the run was billed.
    """

    recipe: Recipe
    run_id: UUID
    texts: int
    use: RecipeUse
    usd: Decimal
    refused: dict[str, int] = field(default_factory=dict)
    stopped: NavigatorError | None = None


def wanted(services: Services, sizes: ChunkSizes) -> Recipe:
    """The recipe of these sizes.

    Raises:
        UsageError: what is published is cut so already.
    """
    recipe = recipe_of(services, sizes)
    if recipe.chunker == services.version.chunker:
        raise UsageError(
            f"Chunks of {sizes.tokens} tokens with {sizes.overlap_tokens} of overlap are what this "
            "installation makes already.",
            remedy="Name others with --chunk-tokens and --chunk-overlap.",
        )
    return recipe


async def plan(services: Services, recipe: Recipe, *, store: bool) -> RecipePlan:
    """Cut what the recipe lacks; what is to be bought for all of it.

    Args:
        store: keep what was cut; else nothing is written.

    Raises:
        BrokenGate, TransientError: the gate, the database or the storage does not answer.
    """
    documents = chunks = 0
    refused: dict[str, int] = {}
    fresh: dict[tuple[UUID, str], int] = {}
    if store:
        await _ensure(services, recipe)
    after: UUID | None = UUID(int=0)
    while after is not None:
        made, after = await cut_next(services, recipe, after)
        if made and store:
            await keep(services, recipe, made)
        for each in made:
            documents += each.refused is None
            chunks += len(each.chunks)
            if each.refused is not None:
                refused[each.refused] = refused.get(each.refused, 0) + 1
            owner = SHARED_OWNER if services.settings.share_vectors else each.of.user_id
            if not store:
                fresh |= {(owner, chunk.sha256): chunk.tokens for chunk, _ in each.chunks}
    lacks = await _lacking(services, recipe)
    texts, tokens = lacks.texts, lacks.tokens
    for owner in {owner for owner, _ in fresh}:
        own = {sha256: count for (whose, sha256), count in fresh.items() if whose == owner}
        known = await _known(services, owner, list(own))
        texts += len(own) - len(known)
        tokens += sum(count for sha256, count in own.items() if sha256 not in known)
    usd = embedding_price(services.embedder, tokens)
    return RecipePlan(recipe, documents, chunks, texts, tokens, usd, refused)


@retry_on_restart
async def _ensure(services: Services, recipe: Recipe) -> None:
    async with services.database.service() as connection:
        await recipes.ensure(connection, recipe)


@retry_on_restart
async def _lacking(services: Services, recipe: Recipe) -> Lacking:
    async with services.database.service() as connection:
        return await recipe_vectors.lacking(
            connection, recipe.id, services.version.space_id,
            shared=services.settings.share_vectors,
        )  # fmt: skip


@retry_on_restart
async def _known(services: Services, owner: UUID, shas: Sequence[str]) -> set[str]:
    space, shared = services.version.space_id, services.settings.share_vectors
    async with services.database.service() as connection:
        known = await known_vectors.known_hashes(connection, shas, space, owner, shared=shared)
        return known | await recipe_vectors.known(connection, shas, space, owner, shared=shared)


async def run_build(
    services: Services,
    recipe: Recipe,
    run_id: UUID,
    *,
    cap: Decimal | None = None,
    flow_run: UUID | None = None,
    progress: Progress | None = None,
) -> RecipeRun:
    """Cut what the recipe lacks and buy its vectors, as far as the cap and the service let it.

    Raises:
        TransientError: the database does not answer; what was bought is kept.
    """
    await _start(services, run_id, recipe, cap, flow_run)
    stopped: NavigatorError | None = None
    bought = Bought()
    try:
        await plan(services, recipe, store=True)
        await _buy_all(services, recipe, run_id, bought, progress)
        stopped = bought.unanswered
    except RunStopped as stop:
        stopped = stop
    finally:
        with suppress(TransientError):
            await _finish(services, run_id, stopped)
    use, usd = await _ended(services, recipe, run_id)
    return RecipeRun(recipe, run_id, bought.texts, use, usd, bought.refused, stopped)


async def _buy_all(
    services: Services, recipe: Recipe, run_id: UUID, done: Bought, progress: Progress | None
) -> None:
    stuck: set[UUID] = set()
    while True:
        before, waits, seen, after = done.texts, False, 0, UUID(int=0)
        while page := await _incomplete(services, recipe, after):
            after, seen = page[-1], seen + len(page)
            documents = [each for each in page if each not in stuck]
            if not documents:
                continue
            if await _buy(services, recipe, run_id, documents, done):
                stuck.update(documents)
            await _lend(services, recipe, documents)
            failpoint("after-recipe-bought")
            if progress is not None:
                await progress(seen)
            if done.unanswered is not None:
                return
            waits |= await _others_have(services, recipe, documents)
        if not waits and done.texts == before:
            return
        if waits:  # somebody else has the rest under way: their answer is ours too
            await asyncio.sleep(_POLL_SECONDS)


async def _buy(
    services: Services, recipe: Recipe, run_id: UUID, documents: Sequence[UUID], done: Bought
) -> bool:
    """Buy what nobody has or has under way; whether any text was refused."""
    await _lend(services, recipe, documents)
    texts = await _reserve(services, recipe, documents)
    if not texts:
        return False
    sent = await Sender(services, Batch(run_id, ()), documents, recipe.id).send(texts)
    for error in sent.refused.values():
        done.refused[error.message] = done.refused.get(error.message, 0) + 1
    done.unanswered = next(iter(sent.unanswered.values()), None)
    done.texts += len(texts) - len(sent.refused) - len(sent.unanswered)
    return bool(sent.refused)


@retry_on_restart
async def _incomplete(services: Services, recipe: Recipe, after: UUID) -> list[UUID]:
    async with services.database.service() as connection:
        return await recipe_vectors.incomplete(
            connection, recipe.id, services.version.space_id, after, _DOCUMENTS
        )


@retry_on_restart
async def _lend(services: Services, recipe: Recipe, documents: Sequence[UUID]) -> None:
    async with services.database.service() as connection:
        await lock_documents(connection, documents)
        await recipe_vectors.lend(
            connection, recipe.id, services.version.space_id, documents,
            shared=services.settings.share_vectors,
        )  # fmt: skip


@retry_on_restart
async def _reserve(
    services: Services, recipe: Recipe, documents: Sequence[UUID]
) -> list[PendingText]:
    async with services.database.service() as connection:
        reserved = await vector_buffer.reserve(
            connection, documents, services.version.space_id, services.worker,
            services.settings.lease_seconds, shared=services.settings.share_vectors,
            chunks=recipe_vectors.of_recipe(recipe.id),
        )  # fmt: skip
    return reserved.texts


@retry_on_restart
async def _others_have(services: Services, recipe: Recipe, documents: Sequence[UUID]) -> bool:
    async with services.database.service() as connection:
        return await recipe_vectors.in_flight(
            connection, recipe.id, services.version.space_id, documents,
            shared=services.settings.share_vectors,
        )  # fmt: skip


@retry_on_restart
async def _start(
    services: Services, run_id: UUID, recipe: Recipe, cap: Decimal | None, flow_run: UUID | None
) -> None:
    async with services.database.service() as connection:
        await runs.start_run(
            connection, run_id, OPERATOR, KIND, options={"recipe": recipe.chunker},
            max_cost_usd=cap,
        )  # fmt: skip
        await runs.begin_run(connection, run_id, flow_run)


@retry_on_restart
async def _finish(services: Services, run_id: UUID, stopped: NavigatorError | None) -> None:
    async with services.database.service() as connection:
        await runs.finish_run(connection, run_id, stopped.message if stopped else None)


@retry_on_restart
async def _ended(services: Services, recipe: Recipe, run_id: UUID) -> tuple[RecipeUse, Decimal]:
    async with services.database.service() as connection:
        use = await recipes.use(connection, recipe, services.version.space_id)
        return use, await runs.spent(connection, run_id)
