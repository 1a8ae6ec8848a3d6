"""`navigator chunking`: shows how large chunks are, and changes what the installation remembers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from app import backfills
from app.recipes import require_unset
from app.terminal import options
from app.terminal.backfills import plan_progress, print_plan
from app.terminal.chunk_sizes import (
    DRY_RUN,
    recommendation,
    sizes_words,
    standing_json,
    standing_words,
)
from app.terminal.confirmation import confirm
from app.terminal.console import dollars, print_json, quantity, say, tell
from app.terminal.options import Json
from pipeline.chunk_sizes import ChunkSizes, with_sizes
from pipeline.errors import UsageError
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from stages.backfill_plan import BackfillPlan
    from stages.chunk_sizes import Standing

group = typer.Typer(
    help="Show how large chunks are, and change it for every process.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
_OUTDATED = "navigator backfill --select outdated --everyone"


async def found(settings: Settings) -> Standing:
    """How this installation stands."""
    from pipeline.retry_policy import LOOKING_SECONDS
    from stages.chunk_sizes import standing
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
        return await standing(settings, database)


async def remember(settings: Settings, sizes: ChunkSizes) -> None:
    """Have every process of this installation cut so from now on."""
    from pipeline.store.remembered_sizes import remember_sizes
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        async with database.service() as connection:
            await remember_sizes(connection, sizes)


@group.callback()
def show(ctx: typer.Context, json: Json = False) -> None:
    """Show how large chunks are."""
    if ctx.invoked_subcommand is not None:
        return
    now = asyncio.run(found(load_settings()))
    if json:
        print_json(standing_json(now))
        return
    tell(f"Chunks: {standing_words(now)}.")
    if note := recommendation(now):
        say(note)
        say(f"See `{DRY_RUN}`; nothing changes by itself.")


@group.command()
def use(
    tokens: Annotated[
        int, typer.Argument(min=32, max=8000, help="Largest chunk, in tokens of the embedder.")
    ],
    overlap: Annotated[
        int | None,
        typer.Option(min=0, help="Tokens repeated of the chunk before; a third of it at most."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would make anew, and its cost.")
    ] = False,
    yes: options.Yes = False,
    json: Json = False,
) -> None:
    """Cut documents so from now on, in every process; those that are there go on answering."""
    settings = load_settings()
    require_unset(settings)
    now = asyncio.run(found(settings)).sizes
    wanted = ChunkSizes(
        tokens, min(now.overlap_tokens, tokens // 3) if overlap is None else overlap
    )
    if wanted.overlap_tokens * 3 > wanted.tokens:
        raise UsageError(
            "The overlap is more than a third of a chunk.", remedy="Give a smaller --overlap."
        )
    plan = _plan(settings, wanted)
    if not json and not dry_run:
        tell(f"Chunks: {sizes_words(now)}; from now on {sizes_words(wanted)}.")
    if not json:
        print_plan(plan)
    if not dry_run:
        if plan.documents and not yes:
            confirm(
                f"Have {quantity(plan.documents, 'document')} outdated, which their next ingest or "
                f"a backfill embeds again for about {dollars(plan.cost_usd)}?"
            )
        asyncio.run(remember(settings, wanted))
    if json:
        print_json(_json(wanted, plan, changed=not dry_run))
    elif not dry_run:
        tell(f"Remembered: {sizes_words(wanted)}.")
        if plan.documents:
            say(f"What is there answers as it did until `{_OUTDATED}` or its next ingest.")


def _plan(settings: Settings, wanted: ChunkSizes) -> BackfillPlan:
    """What would be outdated, of every user, and what it costs to make it anew."""
    from pipeline.backfill_choice import BackfillChoice
    from stages.backfilling import BackfillOrder

    order = BackfillOrder("outdated", BackfillChoice(), None, None, None)
    with plan_progress() as progress:
        return asyncio.run(backfills.planned(with_sizes(settings, wanted), order, progress))


def _json(sizes: ChunkSizes, plan: BackfillPlan, *, changed: bool) -> dict[str, object]:
    return {
        "tokens": sizes.tokens,
        "overlap_tokens": sizes.overlap_tokens,
        "changed": changed,
        "outdated": plan.documents,
        "new_chunks": sum(each.new_chunks for each in plan.shares),
        "new_tokens": plan.tokens,
        "cost_usd": plan.cost_usd,
        "estimated": plan.estimated,
    }
